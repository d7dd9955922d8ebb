# SPDX-License-Identifier: MIT
"""What the HTTP server among the examples does for clients of all kinds."""
import calendar
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import corpus
from programs import PATIENCE, claim, connect, equal, port_of, receive, running
from server import BIG, INDEX, answer, ask, get, request, site

WRK = "build/apps/usr/bin/wrk"
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
# Seconds; it is slow where the machine is an emulated one.
BROWSERS_PATIENCE = 250
# Longer heads are not sent byte by byte, but in two pieces.
SHORT = 200


def expect_answers(peer, what, answers):
    for status, body, fields in answers:
        got = answer(peer, head_only=body is None)
        equal((what, got[0]), (what, status))
        equal((what, body is None or got[2] == body), (what, True))
        for name, value in fields.items():
            name = name.replace("_", "-")
            equal((what, name, got[1].get(name)), (what, name, value))


def expect_row(peer, row):
    what, _, *answers, after = row
    expect_answers(peer, what, answers)
    if after == corpus.KEPT:
        peer.sendall(get("/"))
        equal((what, answer(peer)[2]), (what, INDEX))
    else:
        # An end, and no reset.
        equal((what, peer.recv(1)), (what, b""))


@claim
def http_answers_each_request_of_the_corpus():
    with site() as port:
        for row in corpus.ROWS:
            with connect(port) as peer:
                peer.sendall(row[1])
                expect_row(peer, row)


def server_side(port):
    """The server's connections that it has not closed: the client's port and how much there is to be read, in hexadecimal."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return [(row[2][-4:], row[4][-8:]) for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(what)


def wait_until_read(port):
    wait_until(lambda: all(unread == "00000000" for _, unread in server_side(port)), "the server does not read")


def wait_until_closed(port, peer):
    mine = f"{peer.getsockname()[1]:04X}"
    wait_until(lambda: mine not in (client for client, _ in server_side(port)), "the server does not close")


def pieces(text):
    if len(text) <= SHORT:
        return [text[at : at + 1] for at in range(len(text))]
    return [text[: len(text) // 2], text[len(text) // 2 :]]


@claim(in_table=False)
def http_answers_them_in_pieces_as_well():
    """A byte at a time, the next one when the server has read that; all rows beside each other."""
    with site() as port, contextlib.ExitStack() as stack:
        sent = [(stack.enter_context(connect(port)), pieces(row[1])) for row in corpus.ROWS]
        for number in range(max(len(parts) for _, parts in sent)):
            for peer, parts in sent:
                if number < len(parts):
                    peer.sendall(parts[number])
            wait_until_read(port)
        for (peer, _), row in zip(sent, corpus.ROWS):
            expect_row(peer, row)


@claim
def http_answers_requests_that_do_not_wait_for_each_other():
    with site() as port, connect(port) as peer:
        peer.sendall(b"".join(get("/") + get("/big", "Range: bytes=10-19") for _ in range(200)) + b"GET / HT")
        for _ in range(200):
            equal(answer(peer)[::2], (200, INDEX))
            equal(answer(peer)[::2], (206, BIG[10:20]))
        # Of the last one there was a part.
        peer.sendall(b"TP/1.1\r\nHost: x\r\n\r")
        wait_until_read(port)
        peer.sendall(b"\n")
        equal(answer(peer)[::2], (200, INDEX))


@claim
def http_answers_at_once():
    """Where a file waits for the acknowledgement of its head, that is 40 ms each time."""
    with site() as port, connect(port) as peer:
        began = time.monotonic()
        for _ in range(200):
            peer.sendall(get("/"))
            equal(answer(peer)[2], INDEX)
        took = time.monotonic() - began
        equal(took < 200 * 0.02, True)


@claim
def http_answers_who_has_said_all():
    with site() as port, connect(port) as peer:
        peer.sendall(get("/big") + get("/") + b"GET /")
        peer.shutdown(socket.SHUT_WR)
        equal(answer(peer)[2] == BIG, True)
        equal(answer(peer)[2], INDEX)
        equal(peer.recv(1), b"")


@claim
def http_refuses_a_body_and_lets_its_client_read_that():
    """With megabytes on the way that nobody reads, a close would be a reset, and might take the answer back."""
    with site() as port, connect(port) as peer:
        peer.sendall(request("POST / HTTP/1.1", f"Content-Length: {8 << 20}"))
        for _ in range(8):
            peer.sendall(bytes(1 << 20))
        equal(answer(peer)[0], 405)
        equal(peer.recv(1), b"")
        peer.shutdown(socket.SHUT_WR)


@claim
def http_says_when_it_was():
    with site() as port:
        before = int(time.time())
        got = time.strptime(ask(port, get("/"))[1]["date"], "%a, %d %b %Y %H:%M:%S GMT")
        equal(before <= calendar.timegm(got) <= time.time(), True)


@claim
def http_cuts_off_who_is_too_slow():
    with site(400) as port:
        idle, slow, deaf = (connect(port) for _ in range(3))
        began = time.monotonic()
        deaf.sendall(b"".join(get("/big") for _ in range(50)))
        with contextlib.suppress(ConnectionError):
            for byte in get("/", "X: " + "y" * 1000):
                slow.sendall(bytes([byte]))
                slow.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    head = slow.recv(12)
                    equal(head, b"HTTP/1.1 408")
                    break
        equal(time.monotonic() - began < 10, True)
        equal(idle.recv(1), b"")
        # The last one is cut off in an answer.
        wait_until_closed(port, deaf)
        with contextlib.suppress(ConnectionError):
            equal(len(receive(deaf, 50 << 20)) < 50 << 20, True)
        for peer in (idle, slow, deaf):
            peer.close()


@claim
def http_cuts_off_who_talks_on_when_all_is_said():
    """Behind an answer that closes it reads on, but not for ever."""
    with site(400) as port, connect(port) as peer:
        peer.sendall(request("POST / HTTP/1.1", "Content-Length: 999999999"))
        equal(answer(peer)[0], 405)
        end = time.monotonic() + PATIENCE
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < end:
                peer.sendall(bytes(1 << 16))
            raise AssertionError("it reads and reads")


def wrk(port, *arguments):
    """What wrk counted: requests; and what it complains of."""
    where = os.path.abspath("build/apps/usr/lib/x86_64-linux-gnu")
    path = ":".join(part for part in (os.environ.get("LD_LIBRARY_PATH"), where) if part)
    command = [WRK, "--timeout", f"{PATIENCE}s", *arguments, f"http://127.0.0.1:{port}/index.html"]
    done = subprocess.run(command, env={**os.environ, "LD_LIBRARY_PATH": path}, capture_output=True, text=True, check=True)
    complaints = re.findall(r"(?m)^ *(?:Socket errors|Non-2xx).*", done.stdout)
    return int(re.search(r"(\d+) requests in", done.stdout).group(1)), complaints


@claim
def http_serves_wrk_on_a_hundred_connections():
    with site() as port:
        count, complaints = wrk(port, "-t", "2", "-c", "100", "-d", "1s")
        equal((count > 100, complaints), (True, []))


@claim
def http_serves_wrk_a_connection_for_each_request():
    with site() as port:
        count, complaints = wrk(port, "-t", "2", "-c", "50", "-d", "1s", "-H", "Connection: close")
        equal((count > 50, complaints), (True, []))


@contextlib.contextmanager
def browsing(url, home):
    """Debian's Chromium at a page, with a new profile."""
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
    flags += ("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0")
    command = ["chromium", *flags, f"--user-data-dir={home}/profile", url]
    environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
    with open(f"{home}/said", "wb") as said:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def verdict(listener):
    """What the page sends of itself: the body of a request."""
    peer, _ = listener.accept()
    with peer:
        peer.settimeout(BROWSERS_PATIENCE)
        text = b""
        while not (found := re.search(rb"(?is)content-length: (\d+).*?\r\n\r\n(.*)", text)) or len(found.group(2)) < int(found.group(1)):
            part = peer.recv(1 << 16)
            if not part:
                break
            text += part
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    return text.partition(b"\r\n\r\n")[2].decode()


@claim(in_table=False)
def http_serves_a_browser():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory, socket.create_server(("127.0.0.1", 0)) as listener:
        page = shutil.copytree(PAGE, os.path.join(directory, "page"))
        os.mkdir(os.path.join(page, "number"))
        for number in range(40):
            with open(os.path.join(page, "number", str(number)), "w", encoding="ascii") as file:
                file.write(f"{number} " * number)
        with open(os.path.join(page, "big"), "wb") as file:
            file.write(bytes(i % 251 for i in range(1 << 20)))
        listener.settimeout(BROWSERS_PATIENCE)
        with running("http", "0", page, "120000") as server:
            url = f"http://127.0.0.1:{port_of(server)}/?{listener.getsockname()[1]}"
            with browsing(url, directory):
                equal(verdict(listener), "passed 104")
