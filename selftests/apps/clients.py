# SPDX-License-Identifier: MIT
"""The loads: programs that others wrote where there is one, and what they say, in one form.

A round is a dictionary: rate (requests/s), p99_us, errors (requests that were not answered rightly), said (why). All
loads are short, go to 127.0.0.1 only and end by themselves.
"""
import json
import re
import subprocess

from answers import CURL
from servers import PATIENCE, TOP, Trouble

LOAD = f"{TOP}/build/bin/apps-load"
CONNECTIONS = 16
UNITS = {"us": 1, "ms": 1000, "s": 1000000, "m": 60000000}
# What apps-load counts and a server may not do to a request.
FAILURES = ("wrong", "refused", "closed", "cut", "late")


def run(command, seconds):
    """What the program prints; it has the time of its load and PATIENCE more."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr.strip()


def number(pattern, text, default=None):
    match = re.search(pattern, text)
    if match:
        return float(match.group(1))
    if default is None:
        raise Trouble(f"no {pattern} in: {text[-300:]}")
    return default


def wrk(server, seconds):
    command = ["/usr/bin/wrk", "-t1", f"-c{CONNECTIONS}", f"-d{int(seconds)}s", "--timeout", "10s", "--latency"]
    path = server.request.split()[1].decode()
    status, text, errors = run([*command, f"http://127.0.0.1:{server.port}{path}"], seconds)
    failed = sum(int(n) for line in re.findall(r"Socket errors: (.*)", text) for n in re.findall(r"\d+", line))
    failed += int(number(r"Non-2xx or 3xx responses: (\d+)", text, 0))
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", text)
    if not p99:
        raise Trouble(f"wrk: {text[-200:]} {errors}")
    said = "; ".join(re.findall(r"Socket errors.*|Non-2xx.*", text)) + errors
    return {"rate": number(r"Requests/sec:\s+([\d.]+)", text), "p99_us": float(p99[1]) * UNITS[p99[2]], "errors": failed + bool(status), "said": said}


class RedisBenchmark:
    """Sets and gets. It is told a number of requests; the rate of the rounds before says how many are a round's worth."""

    def __init__(self):
        self.requests = 2000

    def __call__(self, server, seconds):
        command = ["/usr/bin/redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-c", str(CONNECTIONS)]
        command += ["-n", str(self.requests), "-d", "64", "-t", "set,get", "--csv"]
        status, text, errors = run(command, seconds)
        # "test","rps","avg","min","p50","p95","p99","max", times in ms
        rows = [[field.strip('"') for field in line.split(",")] for line in text.splitlines() if line.startswith(('"SET"', '"GET"'))]
        if len(rows) != 2:
            raise Trouble(f"redis-benchmark: {text[-200:]} {errors}")
        took = sum(self.requests / float(row[1]) for row in rows)
        rate = 2 * self.requests / took
        p99 = max(float(row[6]) for row in rows) * 1000
        return {"rate": rate, "p99_us": p99, "errors": int(bool(status)), "said": errors, "took": took}

    def calibrate(self, rate, seconds):
        self.requests = max(1000, int(rate * seconds / 2))


class Memcaslap:
    """Nine gets to a set; every value that comes back is verified. Told a number of requests, as redis-benchmark is."""

    def __init__(self):
        self.requests = 2000

    def __call__(self, server, seconds):
        command = ["/usr/bin/memcaslap", "-s", f"127.0.0.1:{server.port}", "-T", "1", "-c", str(CONNECTIONS), "-x", str(self.requests), "-v", "1", "-X", "256"]
        status, text, errors = run(command, seconds)
        failed = number(r"verify_failed: (\d+)", text) + number(r"get_misses: (\d+)", text)
        # It prints no percentiles, and leaves none of what was there before.
        server.prepare()
        probe = own(server, seconds / 2)
        return {
            "rate": number(r"TPS: (\d+)", text),
            "p99_us": probe["p99_us"],
            "errors": int(failed) + bool(status) + probe["errors"],
            "said": errors + probe["said"],
        }

    def calibrate(self, rate, seconds):
        self.requests = max(1000, int(rate * seconds))


def own_command(server, seconds, connections=CONNECTIONS, request=None, answer=None, kind=None, options=()):
    """apps-load's command line; its request and answer lie in files in the server's directory."""
    names = []
    for name, data in (("request", request or server.request), ("answer", answer or getattr(server, "answer", None))):
        path = f"{server.directory}/{name}-{kind or 'usual'}"
        if data is None:
            path = f"{server.www}/{server.answer_file}"
        else:
            with open(path, "wb") as file:
                file.write(data)
        names.append(path)
    kind = kind or ("http" if server.kind == "http" else "exact")
    command = [LOAD, "--port", str(server.port), "--request", names[0], "--answer", names[1], "--kind", kind]
    return [*command, "--connections", str(connections), "--seconds", str(seconds), *options]


def own_result(status, text, errors):
    if status:
        raise Trouble(f"apps-load: {errors}")
    got = json.loads(text)
    got["errors"] = sum(got[name] for name in FAILURES)
    got["said"] = got["first_failure"]
    return got


def own(server, seconds, **more):
    return own_result(*run(own_command(server, seconds, **more), seconds))


class Background:
    """apps-load beside whatever is done to the server meanwhile."""

    def __init__(self, server, seconds, **more):
        self.process = subprocess.Popen(own_command(server, seconds, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.seconds = seconds

    def result(self):
        text, errors = self.process.communicate(timeout=self.seconds + PATIENCE)
        return own_result(self.process.returncode, text, errors)

    def end(self):
        """No new requests."""
        self.process.terminate()
        return self.result()


def curl_command(prefix, backend, seconds):
    url = f"http://127.0.0.1:{backend.port}/{backend.answer_file}"
    return [*prefix, CURL, "--url", url, "--answer", f"{backend.www}/{backend.answer_file}", "--parallel", str(CONNECTIONS), "--seconds", str(seconds)]


def curl_result(status, text, errors):
    if status:
        raise Trouble(f"apps-curl: {errors}")
    got = json.loads(text)
    got["errors"] = got["wrong"] + got["cut"]
    got["said"] = got["first_failure"]
    return got


def load_of(name):
    return {"redis": RedisBenchmark, "memcached": Memcaslap}.get(name, lambda: own if name == "asyncio" else wrk)()
