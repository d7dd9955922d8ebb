# SPDX-License-Identifier: MIT
"""The programs: how each is started, on which port, how it is known to be ready, and what else is done to it."""
import os
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
RUN_ON_EPOLLX = os.path.join(TOP, "userlib", "preload", "epollx-run")
SIDES = ("native", "epollx")
# Under emulation a program may take its time to start; none waits this long if all is well. Where the clock counts
# instructions it leaps while the guest waits for the host's disk: there, only scripts/vm knows how long is too long.
PATIENCE = 60 if os.environ.get("EPX_ACCEL") != "tcg-icount" else 1000000


class Trouble(Exception):
    """A program does not do what it must; the test cannot go on."""


def wait_for(condition, what, seconds=PATIENCE):
    """Asks until the answer is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.02)
    raise Trouble(f"{what}: not within {seconds} s")


def listens(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE):
            return True
    except OSError:
        return False


def children_of(pid):
    """The processes below @pid, and itself."""
    found, new = [pid], [pid]
    while new:
        pid = new.pop()
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                    children = [int(child) for child in file.read().split()]
                found += children
                new += children
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


class Server:
    """A program that listens on a port, on one side. A subclass says which program."""

    name = port = None
    files = ()
    kind = "http"
    stop_signal = signal.SIGTERM
    # Two processes of the same program on the same epoll may differ for as long as they live.
    has_own_pace = False

    def __init__(self, side, directory, www, prefix=()):
        self.side = side
        self.www = www
        self.port = self.port + SIDES.index(side)
        self.directory = f"{directory}/{self.name}-{side}"
        self.prefix = prefix
        self.process = None
        self.roots = []
        os.makedirs(self.directory, exist_ok=True)
        # The servers' workers run as nobody.
        os.chmod(self.directory, 0o777)

    def words(self):
        return {"PORT": self.port, "DIR": self.directory, "WWW": self.www}

    def config(self, name):
        with open(f"{HERE}/{name}", encoding="utf-8") as file:
            text = file.read()
        for word, value in self.words().items():
            text = text.replace(f"@{word}@", str(value))
        path = f"{self.directory}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def environment(self):
        return dict(os.environ)

    def start(self):
        log = open(f"{self.directory}/output", "ab")
        self.process = subprocess.Popen(
            [*self.prefix, *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment()
        )
        log.close()
        self.roots.append(self.process.pid)
        wait_for(self.is_ready, f"{self.name} on {self.side} is ready")

    def prepare(self):
        """Puts there what the load asks for."""

    def tell(self, text):
        """Sends TEXT on a connection of its own, and waits for an answer."""
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.sendall(text)
            s.recv(100)

    def is_ready(self):
        if self.process.poll() is not None:
            raise Trouble(f"{self.name} on {self.side} ended with {self.process.returncode}: {self.last_words()}")
        return listens(self.port)

    def last_words(self):
        text = ""
        for name in os.listdir(self.directory):
            if name == "output" or name.endswith(".log"):
                with open(f"{self.directory}/{name}", encoding="utf-8", errors="replace") as file:
                    text += file.read()[-300:]
        return " | ".join(text.split("\n"))

    def pids(self):
        return children_of(self.process.pid)

    def workers(self):
        return set(self.pids()) - {self.process.pid}

    def wait_replaced(self, old):
        """Until new workers are there and the old ones are gone."""
        wait_for(lambda: self.workers() and not self.workers() & old, f"{self.name}'s old workers are gone")

    def send(self, number):
        self.process.send_signal(number)

    def wait_ended(self):
        """Its exit status, once it has ended."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Trouble(f"{self.name} on {self.side} does not end") from None

    def stop(self):
        if self.process and self.process.poll() is None:
            self.send(self.stop_signal)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Redis(Server):
    name, port, kind = "redis", 7000, "redis"
    request, answer = b"*2\r\n$3\r\nGET\r\n$5\r\nankey\r\n", b"$64\r\n" + b"r" * 64 + b"\r\n"

    def command(self):
        return ["/usr/bin/redis-server", self.config("redis.conf")]

    def prepare(self):
        self.tell(b"SET ankey " + b"r" * 64 + b"\r\n")


class Nginx(Server):
    name, port = "nginx", 7010
    request, answer_file = b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n", "1k"

    def command(self):
        return ["/usr/sbin/nginx", "-p", self.directory, "-c", self.config("nginx.conf")]

    def reload(self):
        """nginx -s reload, which sends SIGHUP; over when the old workers are gone and new ones are there."""
        old = self.workers()
        command = [*self.prefix, *self.command(), "-s", "reload"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise Trouble(f"nginx -s reload: {done.stderr.strip()}")
        self.wait_replaced(old)


class Memcached(Server):
    name, port, kind = "memcached", 7020, "memcached"
    request = b"get ankey\r\n"
    answer = b"VALUE ankey 0 64\r\n" + b"m" * 64 + b"\r\nEND\r\n"

    def command(self):
        return ["/usr/bin/memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-c", "8192", "-t", "2", "-m", "64", "-b", "4096"]

    def prepare(self):
        self.tell(b"set ankey 0 0 64\r\n" + b"m" * 64 + b"\r\n")


class Haproxy(Server):
    name, port = "haproxy", 7030
    request, answer_file = Nginx.request, "1k"
    backend = None

    def words(self):
        return dict(super().words(), BACKEND=self.backend.port)

    def command(self):
        return ["/usr/sbin/haproxy", "-W", "-f", self.config("haproxy.cfg")]

    def master_is_ready(self):
        """A signal counts only when the master, having a worker, has executed itself once more and watches over it."""
        with open(f"/proc/{self.process.pid}/environ", "rb") as file:
            watches = b"HAPROXY_MWORKER_WAIT_ONLY=1" in file.read()
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            masks = dict(line.split(":\t") for line in file.read().splitlines() if line.startswith("Sig"))
        wanted = sum(1 << (number - 1) for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2))
        return watches and int(masks["SigCgt"], 16) & wanted == wanted and not int(masks["SigBlk"], 16)

    def is_ready(self):
        return super().is_ready() and self.master_is_ready()

    def reload(self):
        """The master starts anew on SIGUSR2, and its new worker takes the sockets over from the old one (-sf)."""
        old = self.workers()
        self.send(signal.SIGUSR2)
        self.wait_replaced(old)
        wait_for(self.master_is_ready, "haproxy's master watches over its new worker")


class Node(Server):
    # Node.js's compiler decides once, by the time that things took: the requests/s of two processes on native epoll were
    # 6,200 and 9,400, each steady to the end (scripts/apps --exact --control --only node, several times).
    name, port, has_own_pace = "node", 7040, True
    request, answer = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"hello from node\n"

    def command(self):
        return ["/usr/bin/node", f"{HERE}/http.js", str(self.port), f"{self.www}/64k"]

    def environment(self):
        return dict(super().environment(), UV_USE_IO_URING="0")


class Asyncio(Server):
    name, port, kind = "asyncio", 7050, "line"
    request = answer = b"a" * 63 + b"\n"

    def command(self):
        return ["/usr/bin/python3", f"{HERE}/echo.py", str(self.port)]


class Backend(Nginx):
    """What stands behind haproxy and serves libcurl: not what is measured, always native."""

    name, port = "backend", 7060

    def __init__(self, directory, www):
        super().__init__("native", directory, www)


SERVERS = {server.name: server for server in (Redis, Nginx, Memcached, Haproxy, Node, Asyncio)}


def write_www(directory):
    """The files that are served; their bytes are the same in every run."""
    www = f"{directory}/www"
    os.makedirs(www, exist_ok=True)
    os.makedirs(f"{www}/slow", exist_ok=True)
    for name, size in (("index.html", 20), ("1k", 1024), ("64k", 65536), ("1m", 1 << 20), ("slow/64k", 1 << 16)):
        with open(f"{www}/{name}", "wb") as file:
            # A period that is no divisor of any buffer's size.
            file.write((bytes(range(251)) * (size // 251 + 1))[:size])
    return www
