# SPDX-License-Identifier: MIT
"""What the tests of the examples share: claims, programs, peers."""
import contextlib
import re
import signal
import socket
import subprocess
import sys
import traceback

PROGRAMS = "build/bin/examples/"
PATIENCE = 20
CLAIMS = []


def claim(function):
    CLAIMS.append(function)
    return function


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r:.300} instead of {wanted!r:.300}")


@contextlib.contextmanager
def running(name, *arguments):
    """The program; its first line is read already. It must end well at SIGTERM."""
    process = subprocess.Popen([PROGRAMS + name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        process.first = process.stdout.readline().decode()
        yield process
        process.send_signal(signal.SIGTERM)
        process.rest = process.stdout.read().decode()
        equal((process.wait(PATIENCE), process.rest if process.returncode else ""), (0, ""))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def port_of(process):
    return int(re.search(r"port (\d+)", process.first).group(1))


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port))
    peer.settimeout(PATIENCE)
    return peer


def receive(peer, count):
    """So many bytes, fewer at the end."""
    parts = []
    while count:
        part = peer.recv(min(count, 1 << 20))
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def pattern(count):
    return bytes(i * 7 % 251 for i in range(count % 4096)) + bytes(range(256)) * (count // 256)


def run_claims():
    """All, or those that the command line names, as TAP; the exit status."""
    chosen = [function for function in CLAIMS if not sys.argv[1:] or function.__name__ in sys.argv[1:]]
    bad = 0
    for number, function in enumerate(chosen, 1):
        try:
            function()
            print(f"ok {number} {function.__name__}", flush=True)
        except Exception:  # pylint: disable=broad-except
            bad += 1
            print(f"not ok {number} {function.__name__}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
    print(f"1..{len(chosen)}")
    return 1 if bad else 0
