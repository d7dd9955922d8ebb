# SPDX-License-Identifier: MIT
"""The one data file of a kernel, build/report/report-K.json: figures as the bench program prints them, and what they
are of. A figure is known by suite, name, x and side. Figures of another state of the sources are not kept."""
import glob
import hashlib
import json
import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(TOP, "build", "report")
KERNELS = ("6.1", "6.12")
# The order of columns. The first four are native epoll and the module's own ways, the rest their peers.
SIDES = ("native", "epollx", "ring", "batch", "poll", "select", "io_uring", "libevent", "libuv", "lib-ring", "lib-ioctl", "lib-epoll", "libev",
         "go", "tokio", "timerfd")
# Benchmarks of event loops, whose measure is libuv; the others' is native epoll.
LOOPS = ("million_timers", "timers", "sleepers", "spawn_many", "yield_many", "ping_pong", "chained_spawn", "loop_count",
         "async", "async_pummel", "ping_pongs", "tcp4_pound", "echo_loop", "idle_connection")
PARTS = ("_arm", "_cancel", "_expire")
# Of accept_fair: ways to share a port, not ways to wait.
WAYS = ("native", "exclusive", "reuseport", "epollx", "fifo", "rotate")


def measured_state():
    """What the figures depend on: the sources of the module and of the measurement."""
    state = hashlib.sha256()
    for pattern in ("Kbuild", "kmod/*", "uapi/linux/*", "userlib/include/*", "userlib/src/*", "userlib/core/*", "userlib/backend/*",
                    "userlib/around/*", "selftests/bench/*.[ch]", "selftests/bench/loops/*.[ch]", "selftests/bench/loops/*/*"):
        for path in sorted(glob.glob(os.path.join(TOP, pattern))):
            with open(path, "rb") as file:
                state.update(file.read())
    return state.hexdigest()


def base(name):
    """Whose figure the others of a benchmark are compared with."""
    for part in PARTS:
        name = name.removesuffix(part)
    return "libuv" if name in LOOPS else "native"


def key(figure):
    return figure["suite"], figure["name"], figure["x"], figure["side"]


class Data:
    """All that is known of one kernel."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.path = os.path.join(OUT, f"report-{kernel}.json")
        self.report = {"name": kernel, "state": measured_state(), "figures": []}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                report = json.load(file)
            if report.get("state") == self.report["state"]:
                self.report = report
        self.figures = {key(figure): figure for figure in self.report["figures"]}

    def merge(self, figures):
        """The same figure of more rounds stays."""
        for figure in figures:
            old = self.figures.get(key(figure))
            if not old or old.get("rounds", 0) <= figure.get("rounds", 0):
                self.figures[key(figure)] = figure

    def save(self):
        self.report["figures"] = list(self.figures.values())
        os.makedirs(OUT, exist_ok=True)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.report, file, indent=1)
        os.replace(self.path + ".new", self.path)

    def value(self, suite, name, x, side):
        figure = self.figures.get((suite, name, x, side))
        return figure.get("value") if figure else None

    def figure(self, suite, name, x, side):
        return self.figures.get((suite, name, x, side))

    def names(self, suite):
        return list(dict.fromkeys(known[1] for known in self.figures if known[0] == suite))

    def xs(self, suite, name, side=None):
        return sorted({known[2] for known in self.figures if known[:2] == (suite, name) and side in (None, known[3])})

    def sides(self, name=None):
        """Who has a figure (of @name), in the order of columns."""
        have = {known[3] for known in self.figures if known[0] in ("cost", "time", "calls", "memory", "host") and name in (None, known[1])}
        return [side for side in SIDES if side in have]

    def absent(self):
        """side -> why it could not be measured; side -> its form."""
        known = {figure["side"]: figure for figure in self.figures.values() if figure["suite"] == "sides"}
        return {side: figure["absent"] for side, figure in known.items() if figure["absent"]}, {
            side: figure["form"] for side, figure in known.items()
        }

    def label(self, *suites):
        found = {(figure["accel"], figure["kernel"]) for figure in self.figures.values() if figure["suite"] in suites}
        return "; ".join(f"{accel}, kernel {kernel}" for accel, kernel in sorted(found)) or "not measured"

    def release(self):
        return next((figure["kernel"] for figure in self.figures.values()), self.kernel)
