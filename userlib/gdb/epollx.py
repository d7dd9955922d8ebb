# SPDX-License-Identifier: MIT
"""For gdb: epx-dump prints what every task of a program waits for, as epx_dump() does, in a core file too.

    gdb -x userlib/gdb/epollx.py PROGRAM CORE
    (gdb) epx-dump              all executors that a thread is running in
    (gdb) epx-dump EXPRESSION   this one

The program, or the library, has to have its debugging symbols.
"""
import gdb

# Functions that have their executor in a variable named exec.
INSIDE = ("epx_block_on", "exec_run", "exec_turn", "exec_poll_some", "exec_poll", "epx_run", "epx_run_once")
MOST_TASKS = 100000
MOST_DEPTH = 64
DONE = 1


def running():
    """The executors whose loop is on some thread's stack."""
    found = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        while frame:
            if frame.name() in INSIDE:
                try:
                    value = frame.read_var("exec")
                    if not value.is_optimized_out:
                        found[int(value)] = value
                except (gdb.error, ValueError):
                    pass
            frame = frame.older()
    return list(found.values())


def container(pointer, kind, member):
    kind = gdb.lookup_type(kind)
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == member)
    return gdb.Value(int(pointer) - offset).cast(kind.pointer())


def describe(future):
    """What the future waits for, as far as its type is known by its name."""
    kind = future["ops"]["name"].string()
    if kind in ("sleep", "tick", "timeout"):
        timer = future.cast(gdb.lookup_type("struct epx_" + kind).pointer())["timer"]
        return f": at {int(timer['at'])}" if int(timer["place"]) else ""
    if kind in ("join", "select"):
        return ""
    poll = str(future["ops"]["poll"])
    if "<epx_op_poll>" in poll:
        operation = future.cast(gdb.lookup_type("struct epx_op").pointer())
        return f": fd {int(operation['io']['fd'])}" if int(operation["io"]) else ""
    return ""


def inner(future):
    if future["ops"]["name"].string() not in ("join", "select"):
        return
    members = future.cast(gdb.lookup_type("struct epx_set").pointer())
    for number in range(int(members["count"])):
        if int(members["members"][number]):
            yield members["members"][number]


def dump_future(future, depth):
    line = "  " * depth + future["ops"]["name"].string()
    site = future["site"]
    if int(future["awaiting"]) and int(site):
        line += f" at {site['file'].string().split('/')[-1]}:{int(site['line'])}: {site['what'].string()}"
    if int(future["flags"]) & DONE:
        print(line + ": over")
        return
    print(line + describe(future))
    if depth > MOST_DEPTH:
        return
    if int(future["awaiting"]):
        dump_future(future["awaiting"], depth + 1)
    for member in inner(future):
        dump_future(member, depth + 1)


def dump(executor):
    head = executor["tasks"].address
    at, count = executor["tasks"]["next"], 0
    while int(at) != int(head) and count < MOST_TASKS:
        task = container(at, "struct epx_task", "all")
        count += 1
        print(f"task {count}, {'on the run queue' if task['is_queued'] else 'waiting'}")
        dump_future(task["future"], 1)
        at = at["next"]
    print(f"{count} tasks, {int(executor['timers']['used'])} timers")


class EpxDump(gdb.Command):
    """Print what every task of libepollx's executors waits for: epx-dump [EXECUTOR]"""

    def __init__(self):
        super().__init__("epx-dump", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        executors = [gdb.parse_and_eval(argument)] if argument else running()
        if not executors:
            print("no executor is running; name one: epx-dump EXPRESSION")
        for executor in executors:
            dump(executor)


EpxDump()
