# SPDX-License-Identifier: MIT
"""Who made which epoll calls, counted by the kernel.

Histograms on tracepoints count each system call by the thread that made it, at its entry, whoever made it and however:
through libc, round it, or from a preloaded library. A histogram of forks, on from the beginning, says which threads
belong to a server: those that its first process started, and theirs. No thread number is used twice within a run, since
a VM's life is too short for that (stop() checks it).

Counting is only on between start() and stop(): it costs each native call and none of epollx's, which no measured round
should have to pay.
"""
import os
import re

TRACE = "/sys/kernel/tracing"
NATIVE = ("epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2")
URING = ("io_uring_setup", "io_uring_enter", "io_uring_register")
# uapi/linux/epollx.h: the ioctls of the device and of its instances.
EPOLLX = {0x4008EB11: "create", 0x4018EB12: "ctl", 0x4018EB13: "wait", 0x4028EB13: "pwait"}
ENTRY = re.compile(r"^\{ (.*) \} hitcount: +(\d+)")
FORKS = ("sched/sched_process_fork", "hist:keys=parent_pid,child_pid:size=16384")


class Lost(Exception):
    """A histogram was too small: nothing can be said."""


def _write(path, text):
    with open(f"{TRACE}/{path}", "w", encoding="ascii") as file:
        file.write(text)


def _number(text):
    return int(text.split()[0], 0)


def _histogram(event):
    """(key values in the order of the keys) -> hits."""
    with open(f"{TRACE}/events/{event}/hist", encoding="ascii") as file:
        lines = file.read().splitlines()
    hits = {}
    for line in lines:
        match = ENTRY.match(line)
        if match:
            key = tuple(_number(part.split(":", 1)[1]) for part in match.group(1).split(", "))
            hits[key] = hits.get(key, 0) + int(match.group(2))
        elif line.strip().startswith("Dropped:") and _number(line.split(":")[1]):
            raise Lost(f"{event}: {line.strip()}")
    return hits


def _triggers():
    for name in (*NATIVE, *URING):
        yield f"syscalls/sys_enter_{name}", "hist:keys=common_pid:size=4096"
    # What a native call came to: one that is made again because epollx's answer says so ends in an error.
    for name in NATIVE:
        yield f"syscalls/sys_exit_{name}", "hist:keys=common_pid,ret:size=8192"
    wanted = " || ".join(f"cmd == {command}" for command in EPOLLX)
    yield "syscalls/sys_enter_ioctl", f"hist:keys=common_pid,cmd:size=4096 if {wanted}"


def _remove(event, trigger):
    try:
        _write(f"events/{event}/trigger", "!" + trigger)
    except OSError:
        # It was not there.
        pass


def begin():
    """Before the first server: from now on it is known who started whom."""
    _remove(*FORKS)
    _write(f"events/{FORKS[0]}/trigger", FORKS[1])


def end():
    for event, trigger in (*_triggers(), FORKS):
        _remove(event, trigger)


def start():
    """What a count that was cut short has left is forgotten."""
    for event, trigger in _triggers():
        _remove(event, trigger)
        _write(f"events/{event}/trigger", trigger)


def _add(counts, what, threads, hits):
    for key, count in hits.items():
        if key[0] in threads:
            counts[what] = counts.get(what, 0) + count


class Counts:
    """What was counted between start() and stop(), to be asked for a server's part of it."""

    def __init__(self, hits, forks):
        self.hits, self.forks = hits, forks

    def threads_of(self, root):
        """All threads of the processes that @root and its children ever were."""
        children = {}
        for parent, child in self.forks:
            children.setdefault(parent, []).append(child)
        threads, new = {root}, [root]
        while new:
            for child in children.get(new.pop(), ()):
                if child not in threads:
                    threads.add(child)
                    new.append(child)
        return threads

    def of(self, roots):
        """The calls of the process trees @roots: native by name, those that failed, io_uring's, epollx's."""
        threads = set().union(*(self.threads_of(root) for root in roots))
        native, failed, uring, epollx = {}, {}, {}, {}
        for name in NATIVE:
            _add(native, name, threads, self.hits[f"syscalls/sys_enter_{name}"])
            for (thread, ret), count in self.hits[f"syscalls/sys_exit_{name}"].items():
                # The kernel may print a negative result without its sign.
                if thread in threads and not 0 <= ret < 1 << 63:
                    failed[name] = failed.get(name, 0) + count
        for name in URING:
            _add(uring, name, threads, self.hits[f"syscalls/sys_enter_{name}"])
        for (thread, command), count in self.hits["syscalls/sys_enter_ioctl"].items():
            if thread in threads:
                name = EPOLLX[command]
                epollx[name] = epollx.get(name, 0) + count
        return {"native": native, "native_failed": failed, "io_uring": uring, "epollx": epollx}


def _assert_unique(forks):
    """A number that two forks gave away would make one server's calls another's."""
    seen = set()
    for _, child in forks:
        if child in seen:
            raise Lost(f"the thread number {child} was used twice")
        seen.add(child)


def stop():
    hits = {}
    for event, trigger in _triggers():
        hits[event] = _histogram(event)
        _remove(event, trigger)
    forks = _histogram(FORKS[0])
    _assert_unique(forks)
    return Counts(hits, forks)


def descriptors(pids):
    """How many native epolls and how many instances the processes hold open now."""
    native = epollx = 0
    for pid in pids:
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except FileNotFoundError:
            continue
        for name in names:
            try:
                target = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                continue
            native += target == "anon_inode:[eventpoll]"
            epollx += target == "anon_inode:[epollx]"
    return native, epollx
