# SPDX-License-Identifier: MIT
"""The HTTP server among the examples with a directory to serve, and one client's view of its answers."""
import contextlib
import os
import socket
import tempfile

from programs import connect, pattern, port_of, receive, running

INDEX = b"<p>hello</p>"
BIG = pattern((1 << 20) + 7)
# What is in the served directory; "secret" is beside it.
FILES = (("index.html", INDEX), ("big", BIG), ("a b.txt", b"space"), ("empty", b""), ("under/index.html", b"below"))


@contextlib.contextmanager
def site(patience_ms=60000):
    """The port of a server of these files, of links and of a fifo."""
    with tempfile.TemporaryDirectory() as directory:
        inside = os.path.join(directory, "inside")
        for name, data in (*((f"inside/{name}", data) for name, data in FILES), ("secret", b"secret")):
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        for name, target in (("out", "../secret"), ("out-far", "/etc/passwd"), ("up", ".."), ("loop", "loop"), ("in", "under/index.html")):
            os.symlink(target, os.path.join(inside, name))
        os.mkfifo(os.path.join(inside, "fifo"))
        with running("http", "0", inside, str(patience_ms)) as server:
            yield port_of(server)


def answer(peer, head_only=False):
    """One answer: status, fields, body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        # No byte of what is behind it.
        seen = head + peer.recv(4096, socket.MSG_PEEK)
        if seen == head:
            raise AssertionError(f"the answer ends within its head: {head!r}")
        end = seen.find(b"\r\n\r\n")
        head += peer.recv((len(seen) if end < 0 else end + 4) - len(head))
    lines = head.decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-2])}
    body = b"" if head_only else receive(peer, int(fields["content-length"]))
    return int(lines[0].split()[1]), fields, body


def ask(port, text, head_only=False):
    with connect(port) as peer:
        peer.sendall(text)
        return answer(peer, head_only)


def request(first, *fields):
    """The head of a request of a first line and fields, with a Host."""
    return ("\r\n".join([first, "Host: x", *fields]) + "\r\n\r\n").encode("latin-1")


def get(path, *fields):
    return request(f"GET {path} HTTP/1.1", *fields)
