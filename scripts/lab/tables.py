# SPDX-License-Identifier: MIT
"""The figures as text: one block for each benchmark, its x axis down, its sides across; for each x the instructions,
the model's prediction, the system calls and the time beside each other."""
import data as lab
import model

TITLES = {
    "idle_check": "is anything ready, when nothing is; x = watched files",
    "one_ready": "a wait with one level-triggered file ready; x = watched files",
    "one_event_level": "write, notice, read; level-triggered",
    "one_event_edge": "write, notice, read; edge-triggered",
    "one_event_unread": "write, notice; edge-triggered",
    "drain_n_edge": "collecting x new events, per event; edge-triggered",
    "drain_n_level": "collecting x ready files, per event; level-triggered",
    "active_fraction_one": "x pipes, one active: notice, read, write to the next; per event",
    "active_fraction_tenth": "x pipes, a tenth active: notice, read, write to the next; per event",
    "rearm_alone": "re-arming a one-shot watch",
    "rearm_cycle": "write, notice, read, re-arm, and x toggles of EPOLLOUT",
    "ctl_add_del": "ADD and DEL, per pair; x = pairs at a time",
    "ctl_mod": "MOD, per change; x = changes at a time",
    "change_and_wait": "x changes and a wait that has one event",
    "wake_latency_same": "from the write to the thread that slept on the same CPU; x = percentile",
    "wake_latency_other": "from the write to the thread that slept on the other CPU; x = percentile",
    "wake_latency_spin": "from the write to the thread that asks all the time; x = percentile",
    "producers": "x threads write, one collects: events/ms",
    "post_awake": "x threads post to one that looks again and again: posts/ms",
    "post_asleep": "x threads post to one that sleeps when there is nothing: posts/ms",
    "echo_tcp": "TCP echo server: requests/s; x = connections",
    "echo_tcp_p99": "TCP echo server: p99 of a request; x = connections",
    "echo_unix": "unix echo server: requests/s; x = connections",
    "echo_unix_p99": "unix echo server: p99 of a request; x = connections",
    "accept_wakeups": "wake-ups of workers for each connection at one port; x = workers",
    "accept_jain": "how evenly they fall to the workers, 1 where each has as many (Jain's index); x = workers",
    "memory": "kernel memory of a watch, bytes; x = watches",
    "million_timers": "x timers, one behind the other, set and come, per timer",
    "timers": "x timers are set, cancelled, set, and come; per timer, of the three parts below",
    "timers_arm": "a timer is set, x at a time",
    "timers_cancel": "a timer is cancelled, x at a time",
    "timers_expire": "a timer comes and its task ends, or its call is made; x at a time",
    "spawn_many": "x tasks (or calls for the next turn), made, run and freed; per task",
    "yield_many": "x tasks yield 1,000 times each; per yield",
    "ping_pong": "x tasks, each makes another one and exchanges a value with it; per pair",
    "chained_spawn": "each task makes the next one; per task",
    "loop_count": "a turn of a loop with nothing to do",
    "async": "round trips of x threads, each with a loop, and the main one's; per round trip",
    "async_pummel": "x threads wake one loop as fast as they can; per wake",
    "ping_pongs": "a message there and back over TCP, client and server in one loop",
    "tcp4_pound": "x clients connect, exchange a message, close; client and server in one loop; per connection",
    "echo_loop": "TCP echo server: requests/s, instructions of both ends; x = connections",
    "idle_connection": "private memory of an echo server's connection that is idle, bytes",
    "sleepers": "private memory of a task that sleeps, or of a timer, bytes",
}
WIDTH = 18


def short(value):
    if value is None:
        return "-"
    if value >= 10000:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def row(label, cells):
    if not any(cells):
        return []
    return [f"  {label:16}" + "".join(f"{cell or '-':>{WIDTH}}" for cell in cells)]


def with_ratio(data, suite, name, x, side):
    base = lab.base(name)
    value, measure = data.value(suite, name, x, side), data.value(suite, name, x, base)
    if value is None:
        return ""
    if side == base or not measure:
        return short(value)
    return f"{short(value)} ({value / measure:.2f})"


def timed(data, name, x, side, suite="time"):
    figure = data.figure(suite, name, x, side)
    return "{value:.2f} [{q1:.2f} {q3:.2f}]".format(**figure) if figure else ""


def block(data, name):
    sides = data.sides(name)
    xs = sorted({x for suite in ("cost", "memory", "calls", "time", "host") for x in data.xs(suite, name)})
    lines = [f"\n{name}: {TITLES.get(name, '')}", f"  {'x':16}" + "".join(f"{side:>{WIDTH}}" for side in sides)]
    for x in xs:
        suite = "memory" if name in ("memory", "sleepers", "idle_connection") else "cost"
        unit = "bytes" if suite == "memory" else "instr."
        found = row(f"{x:>7} {unit}", [with_ratio(data, suite, name, x, side) for side in sides])
        if suite == "cost":
            predictions = [model.predict(data, name, x, side) for side in sides]
            found += row(f"{x:>7} model", [short(p) if p else "" for p in predictions])
        calls = [data.value("calls", name, x, side) for side in sides]
        found += row(f"{x:>7} calls", ["" if c is None else short(c) if c else "0" for c in calls])
        found += row(f"{x:>7} time", [timed(data, name, x, side) for side in sides])
        found += row(f"{x:>7} host", [timed(data, name, x, side, "host") for side in sides])
        lines += found
    return lines


def close_lines(data):
    loaded, bare = (data.value("cost", "close_cost", 1, side) for side in ("loaded", "not_loaded"))
    if None in (loaded, bare):
        return []
    return [f"\nclose_cost: last close of an unwatched file: {bare:.1f} instructions without the module, {loaded:.1f} with ({loaded / bare:.3f})"]


def accept_lines(data):
    """Counts, of ways that are sides of nothing else."""
    ways = [way for way in lab.WAYS if data.xs("accept", "accept_jain", way)]
    if not ways:
        return []
    lines = [f"\naccept_fair: a client that connects again when it is served ({data.label('accept')})"]
    lines.append("  One instance for all workers: native, epollx (the latest sleeper is woken), fifo (EPX_WAKE_FIFO). One for each:")
    lines.append("  exclusive (EPOLLEXCLUSIVE), rotate (and EPX_CTL_ROTATE), reuseport (a listener for each, too; native epoll).")
    for name in ("accept_wakeups", "accept_jain"):
        lines += [f"  {name}: {TITLES[name]}", f"  {'x':16}" + "".join(f"{way:>{WIDTH}}" for way in ways)]
        for x in data.xs("accept", name):
            found = [data.figure("accept", name, x, way) for way in ways]
            lines += row(f"{x:>7}", ["{value:.3f} [{q1:.2f} {q3:.2f}]".format(**figure) if figure else "" for figure in found])
    return lines


def scale_lines(data):
    names = data.names("scale")
    if not names:
        return []
    sides = [side for side in ("native", "epollx", "ring", "batch") if data.xs("scale", names[0], side)]
    lines = [f"\nscale: one instance, descriptors of at most 10,000 files; timers ({data.label('scale')})"]
    lines.append(f"  {'x':16}" + "".join(f"{side:>{WIDTH}}" for side in sides))
    for name in names:
        for x in data.xs("scale", name):
            unit = next(data.figure("scale", name, x, side)["unit"] for side in sides if data.figure("scale", name, x, side))
            lines += row(f"{x:>8} {name}", [with_ratio(data, "scale", name, x, side) for side in sides])
            lines[-1] += f"  {unit}{'' if name == 'wait' else ' per timer' if name.startswith('timer_') else ' per watch'}"
    return lines


def text(data):
    absent, forms = data.absent()
    lines = [f"\nFigures, instructions and calls: {data.label('cost', 'calls')}; time: {data.label('time')}"]
    lines.append("  In brackets beside instructions: to native's. model: what the parts, measured by themselves, come to.")
    lines.append("  time: to native's in the same round, median [quartiles]; of requests/s and events/ms more is better.")
    lines.append(f"  Of event loops the measure is libuv, not native epoll; host: time on this machine ({data.label('host')}).")
    for side, form in forms.items():
        lines.append(f"  {side:9} {form}" + (f"; ABSENT: {absent[side]}" if side in absent else ""))
    names = [name for name in TITLES if any(known[1] == name and known[0] != "accept" for known in data.figures)]
    for name in names:
        lines += block(data, name)
    lines += accept_lines(data) + close_lines(data) + scale_lines(data)
    strange = [f"  {name} x={x} {side}: {value:.1f}, model {expected:.1f}" for name, x, side, value, expected in model.too_good(data)]
    if strange:
        lines += ["\nBetter than the model says they can be, a bug until explained:"] + strange
    return "\n".join(lines)
