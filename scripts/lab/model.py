# SPDX-License-Identifier: MIT
"""The cost model: what an operation should come to, put together from parts that were measured by themselves in the
same boot (suite "part", selftests/bench/parts.c) and from a few figures of the same side:

    syscall, ioctl, write, read, pipe   calls and files that nobody watches
    wake      what a watch adds to the write that wakes it
    idle      a wait that finds nothing among 10 files; per_file: what each further file adds to it
    first     what the first event of a wait adds to that
    event     what each further event adds, from 16 to 64 ready ones
    change    one change of 64 (MOD, or ADD and DEL together); call: what the first one costs more

What is put together from others is a prediction; the figures that the parts come from are marked so and predict
nothing. A result that is clearly below its prediction is a bug until it is explained.
"""

# Below this part of the prediction a result is too good to be true.
TOO_GOOD = 0.90
# Batches of at most so many events.
MOST = 1024


class Parts:
    """The parts of one side; None where one was not measured."""

    def __init__(self, data, side):
        self.data, self.side = data, side
        self.files = {name: data.value("part", name, 1, "nobody") for name in ("syscall", "ioctl", "write", "read", "pipe")}
        watched = data.value("part", "write", 1, side)
        self.wake = None if watched is None or self.files["write"] is None else watched - self.files["write"]
        self.idle, self.per_file = self.cost("idle_check", 10), 0
        if side in ("poll", "select") and None not in (self.idle, self.cost("idle_check", 100)):
            self.per_file = (self.cost("idle_check", 100) - self.idle) / 90
        one = self.cost("drain_n_edge", 1)
        self.first = None if None in (one, self.idle) else one - (self.idle - 9 * self.per_file)
        self.event = self.slope("drain_n_edge", 16, 64)
        self.mod, self.mod_call = self.batch("ctl_mod")

    def cost(self, name, x):
        return self.data.value("cost", name, x, self.side)

    def slope(self, name, few, many):
        """What each further one costs, of figures that are per one; where each file costs a look, without it."""
        a, b = self.cost(name, few), self.cost(name, many)
        return None if None in (a, b) else (b * many - a * few) / (many - few) - self.per_file

    def batch(self, name):
        one, many = self.cost(name, 1), self.cost(name, 64)
        if None in (one, many):
            return None, None
        each = (many * 64 - one) / 63
        return each, one - each

    def wait(self, files, events):
        """A wait among @files that delivers @events, in rounds."""
        rounds = -(-events // MOST)
        return rounds * (self.idle + self.first + self.per_file * (files - 10)) + (events - rounds) * self.event

    def changes(self, count):
        return count * self.mod + (self.mod_call if count else 0)


# Whose changes need no call of their own when a wait follows.
WITH_WAIT = ("io_uring", "batch")
# Who re-arms as he modifies; the others add anew, or have a way of their own.
REARM_BY_MOD = ("native", "epollx", "batch", "poll", "select")


def drain(parts, x):
    return parts.wait(x, x) / x


def cycle(parts, x):
    files = parts.files
    change = parts.cost("ctl_mod", 1) if parts.side in REARM_BY_MOD else parts.cost("rearm_alone", 1)
    return files["write"] + parts.wake + parts.wait(2, 1) + files["read"] + (1 + x) * change


def change_and_wait(parts, x):
    changes = x * parts.mod if parts.side in WITH_WAIT else parts.changes(x)
    return changes + parts.wait(x + 1, 1)


FORMULAS = {
    "idle_check": lambda p, x: p.idle + p.per_file * (x - 10),
    "one_event_edge": lambda p, x: p.files["write"] + p.wake + p.wait(1, 1) + p.files["read"],
    "one_event_unread": lambda p, x: p.files["write"] + p.wake + p.wait(1, 1),
    "drain_n_edge": drain,
    "active_fraction_one": lambda p, x: p.files["pipe"] + p.wake + p.wait(x, 1),
    "active_fraction_tenth": lambda p, x: p.files["pipe"] + p.wake + p.wait(x, x // 10) / (x // 10),
    "rearm_cycle": cycle,
    "ctl_mod": lambda p, x: p.changes(x) / x,
    "change_and_wait": change_and_wait,
}
# What the parts come from.
GIVEN = {("idle_check", 10), ("drain_n_edge", 1), ("drain_n_edge", 16), ("drain_n_edge", 64), ("ctl_mod", 1), ("ctl_mod", 64)}


def predict(data, name, x, side):
    """Instructions, or None where there is no prediction."""
    if name not in FORMULAS or (name, x) in GIVEN or data.value("cost", name, x, side) is None:
        return None
    try:
        return FORMULAS[name](Parts(data, side), x)
    except TypeError:
        # A part is missing.
        return None


def too_good(data):
    """(name, x, side, figure, prediction) of the results that are better than they can be."""
    for known, figure in data.figures.items():
        suite, name, x, side = known
        if suite != "cost":
            continue
        prediction = predict(data, name, x, side)
        if prediction and figure["value"] < TOO_GOOD * prediction:
            yield name, x, side, figure["value"], prediction
