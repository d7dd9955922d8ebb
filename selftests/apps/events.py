# SPDX-License-Identifier: MIT
"""What happens to servers in service: reload, clients that vanish, idle clients in thousands, SIGTERM in mid-load.

Each is done to one side and then to the other, with the same load beside it, and what became of the load's requests is
compared by these rules:

    wrong, cut, late, refused, closed    (clients.FAILURES) none where native has none
    kept_closed                          a server may close a connection between two requests; where it does so by its
                                         own decision (reload, graceful end), clients ask again and nothing is lost
    SIGTERM, graceful end                nobody is there to be asked again: each connection stops at its first failure,
                                         and a request whose connection ends without an answer is lost, on a kept
                                         connection too (lost: closed and kept_closed, on both sides alike). None is
                                         lost, wrong, cut or late where native has none; where native loses some, how
                                         many is a matter of which moment the signal comes in, and both numbers are
                                         printed. What was answered is kept (redis: it is there after a restart), and
                                         the server ends with the same status
"""
import os
import signal
import socket
import struct
import time

import clients
from servers import PATIENCE, wait_for

IDLE = 2000
RESETS = 150
KILLED = 3
CLASSES = ("answered", "wrong", "refused", "closed", "kept_closed", "cut", "late")
RESET = struct.pack("ii", 1, 0)


def sockets_of(pids):
    count = 0
    for pid in pids:
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                count += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return count


def busy(process, connections):
    """Until a load has all its connections."""
    wait_for(lambda: process.poll() is not None or sockets_of([process.pid]) >= connections, "the load is under way")


def add(total, result):
    for name in CLASSES:
        total[name] = total.get(name, 0) + result.get(name, 0)
    total.setdefault("said", "")
    total["said"] = total["said"] or result.get("first_failure", "")
    return total


def failures(total):
    return sum(total[name] for name in clients.FAILURES)


class IdleClients:
    """Thousands of connections on which nothing is asked until the end."""

    def __init__(self, server, count=IDLE):
        self.server = server
        self.sockets = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) for _ in range(count)]

    def ask_all(self):
        """How many of them are served after all."""
        served = 0
        for s in self.sockets:
            try:
                s.sendall(self.server.request)
                served += bool(s.recv(65536))
            except OSError:
                pass
        return served

    def close(self):
        for s in self.sockets:
            s.close()


def reset(server, request):
    """A client that is gone before its answer, and says so with a RST."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        s.sendall(request)


def vanish(server):
    """Clients that reset their connection in mid-request or unread, and clients that are killed; others go on beside them."""
    clients.own(server, 0.3)
    baseline = wait_for(lambda: sockets_of(server.pids()), "the server has sockets")
    beside = clients.Background(server, 30, connections=4)
    gone = 0
    for i in range(RESETS):
        reset(server, server.request[: len(server.request) // 2] if i % 2 else server.request)
        gone += 1
    for _ in range(KILLED):
        victim = clients.Background(server, 30, connections=32)
        busy(victim.process, 32)
        victim.process.kill()
        victim.process.communicate()
        gone += 32
    total = add({}, beside.end())
    total["gone"] = gone
    # Every connection of theirs has been noticed and closed.
    wait_for(lambda: sockets_of(server.pids()) <= baseline, f"{server.name} on {server.side} closes what its clients left (had {baseline} sockets)")
    add(total, clients.own(server, 0.3))
    return total


def reload(server, times=3):
    """Reloads under load, of clients that keep their connections and of others that make a new one for each request."""
    fresh = clients.Background(server, 60, connections=4, options=["--close"])
    kept = clients.Background(server, 60, connections=4)
    busy(fresh.process, 4)
    busy(kept.process, 4)
    for _ in range(times):
        server.reload()
    return add(add({"reloads": times}, fresh.end()), kept.end())


def kept_counter(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as s:
        s.sendall(b"GET counted\r\n")
        file = s.makefile("rb")
        return 0 if file.readline() == b"$-1\r\n" else int(file.readline())


def end_in_load(server, number, times=3, connections=16):
    """SIGTERM (or the signal of a graceful end) in the middle of load, and a new start; so many times."""
    total = {"times": 0, "connections": connections, "statuses": [], "forgotten": 0}
    for _ in range(times):
        more = {}
        if server.name == "redis":
            more = {"request": b"INCR counted\r\n", "answer": b":", "kind": "line"}
        before = kept_counter(server) if more else 0
        load = clients.Background(server, 30, connections=connections, options=["--until-gone"], **more)
        busy(load.process, connections)
        # A while of load, so that the signal comes between any two of its steps.
        time.sleep(0.3)
        server.send(number)
        total["statuses"].append(server.wait_ended())
        result = load.result()
        add(total, result)
        total["times"] += 1
        # A connection that finds nobody any more: not a request that was lost.
        total["refused"] = 0
        total["lost"] = total["closed"] + total["kept_closed"]
        server.start()
        server.prepare()
        if more:
            kept = kept_counter(server) - before
            if not result["answered"] <= kept <= result["answered"] + connections:
                total["forgotten"] += abs(result["answered"] - kept)
    return total


GRACEFUL = {"nginx": signal.SIGQUIT, "haproxy": signal.SIGUSR1}


def of(sides):
    """The events that the servers SIDES can go through: name, and an action that is called with the side."""
    kind = type(sides[0])
    found = [("clients vanish", lambda side: vanish(sides[side]))]
    if hasattr(kind, "reload"):
        found.append(("reload", lambda side: reload(sides[side])))
    found.append(("SIGTERM", lambda side: end_in_load(sides[side], signal.SIGTERM)))
    if kind.name in GRACEFUL:
        found.append(("graceful end", lambda side: end_in_load(sides[side], GRACEFUL[kind.name])))
    return found


def judge(native, epollx):
    """What is wrong on epollx; empty if nothing is."""
    ends = "lost" in native
    judged = ("wrong", "refused", "lost", "cut", "late", "forgotten") if ends else clients.FAILURES
    bad = [f"{epollx[name]} {name}, native none ({epollx['said']})" for name in judged if epollx[name] and not native[name]]
    if not (epollx["answered"] and native["answered"]):
        bad.append("nothing was answered")
    if ends and epollx["statuses"] != native["statuses"]:
        bad.append(f"ends with {epollx['statuses']}, native with {native['statuses']}")
    if not ends and failures(epollx) > failures(native):
        bad.append(f"{failures(epollx)} requests failed, native {failures(native)}")
    return bad
