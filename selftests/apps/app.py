# SPDX-License-Identifier: MIT
"""What is compared: a program on two sides, and the load that is put on it. Side 0 is native, side 1 is on epollx."""
import subprocess

import answers
import clients
import events
import servers
from servers import PATIENCE, SIDES

ROUND_SECONDS = 1
# Node.js's compiler is through with what the load uses after less.
WARM_UP_SECONDS = 2


class App:
    """A server on either side."""

    def __init__(self, name, directory, www, prefixes):
        self.name = name
        self.backend = servers.Backend(f"{directory}/{name}", www) if name == "haproxy" else None
        self.sides = [servers.SERVERS[name](side, directory, www, prefix) for side, prefix in zip(SIDES, prefixes)]
        for server in self.sides:
            server.backend = self.backend
        self.load = clients.load_of(name)

    def start(self):
        for server in filter(None, [self.backend, *self.sides]):
            server.start()

    def prepare(self):
        """What the loads ask for is there."""
        for server in self.sides:
            server.prepare()

    def calibrate(self, pair):
        """Both sides of a pair get the same load; the next pair may get another, if the machine has become slower."""
        if hasattr(self.load, "calibrate"):
            self.load.calibrate((pair[0]["rate"] + pair[1]["rate"]) / 2, ROUND_SECONDS)

    def stop(self):
        for server in filter(None, [*self.sides, self.backend]):
            server.stop()

    def renew(self):
        """Other processes for the next rounds, where a process has a pace of its own; they have warmed up."""
        if not any(server.has_own_pace for server in self.sides):
            return
        for server in self.sides:
            server.stop()
            server.start()
        self.prepare()
        for side in range(len(self.sides)):
            self.load(self.sides[side], WARM_UP_SECONDS)

    def answers(self, side):
        return answers.ASK[self.name](self.sides[side])

    def round(self, side):
        return self.load(self.sides[side], ROUND_SECONDS)

    def roots(self, side):
        """The first process of each start."""
        return self.sides[side].roots

    def events(self):
        """Name and action; an action is called with the side."""
        return events.of(self.sides)


class Curl(App):
    """A client on either side, of a server that is always native."""

    def __init__(self, directory, www, prefixes):
        self.name = "curl"
        self.backend = servers.Backend(f"{directory}/curl", www)
        self.sides = []
        self.load = None
        self.prefixes = prefixes
        self.started = ([], [])

    def answers(self, side):
        return answers.curl(self.prefixes[side], self.backend.port)

    def fetch(self, side, seconds):
        process = subprocess.Popen(
            clients.curl_command(self.prefixes[side], self.backend, seconds),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started[side].append(process.pid)
        return process

    def result(self, process):
        text, errors = process.communicate(timeout=PATIENCE)
        return clients.curl_result(process.returncode, text, errors)

    def round(self, side):
        return self.result(self.fetch(side, ROUND_SECONDS))

    def roots(self, side):
        return self.started[side]

    def reload(self, side):
        """Its server reloads while it fetches."""
        process = self.fetch(side, 4)
        events.busy(process, clients.CONNECTIONS)
        self.backend.reload()
        return events.add({}, self.result(process))

    def events(self):
        return [("reload", self.reload)]
