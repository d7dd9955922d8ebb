# SPDX-License-Identifier: MIT
"""What the tests of the examples share: claims, programs, peers."""
import concurrent.futures
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import traceback

PROGRAMS = "build/bin/examples/"
PATIENCE = 20
CLAIMS = []


def claim(function=None, in_table=True):
    """Registers a claim; one that takes long is not in the table."""
    if function is None:
        return lambda decorated: claim(decorated, in_table)
    function.in_table = in_table
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


def run_claims(names):
    """All, or those that are named, as TAP; the exit status."""
    chosen = [function for function in CLAIMS if not names or function.__name__ in names]
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


def outcomes(backend, names):
    """What claims come to on a backend: {name: passed}, and all that was said."""
    environment = {**os.environ, "EPOLLX_BACKEND": backend}
    done = subprocess.run([sys.executable, sys.argv[0], *names], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.findall(r"(?m)^(not )?ok \d+ (\w+)$", done.stdout)
    return {name: not failed for failed, name in found}, done.stdout


def print_table(backends):
    """What each example does on each backend, these beside each other; the exit status."""
    names = [function.__name__ for function in CLAIMS if function.in_table]
    with concurrent.futures.ThreadPoolExecutor(len(backends)) as pool:
        found = list(pool.map(lambda backend: outcomes(backend, names), backends))
    print(f"  {'example':11}{'what it does':59}" + "".join(f"{backend:>8}" for backend in backends))
    last, good = "", True
    for name in names:
        example, _, what = name.partition("_")
        passed = [claims.get(name) for claims, _ in found]
        good &= all(passed)
        cells = "".join(f"{'yes' if one else 'FAILS':>8}" for one in passed)
        print(f"  {example if example != last else '':11}{what.replace('_', ' '):59}{cells}")
        last = example
    for backend, (claims, said) in zip(backends, found):
        if not claims or not all(claims.values()):
            print(f"\non {backend}:\n{said}")
    return 0 if good else 1
