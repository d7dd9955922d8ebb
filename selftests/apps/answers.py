# SPDX-License-Identifier: MIT
"""What a server answers to a fixed conversation: a name for each question, and the answer's bytes or their hash.

The conversation is held once with either side, and the two results must be the same. It goes through the ways in which
an event loop is used: many requests in one packet, large bodies that fill the socket's buffers both ways, clients that
wait for one another, timers, threads, children.
"""
import hashlib
import http.client
import socket
import subprocess

from servers import PATIENCE, TOP

CURL = f"{TOP}/build/bin/apps-curl"
# They differ between any two answers.
CHANGING = ("date", "last-modified", "etag")


def digest(data):
    return data.decode("latin-1") if len(data) < 200 else f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


class Line:
    """A connection that is read by lines and by counts."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        return self.file.readline()

    def read(self, count):
        return self.file.read(count)

    def close(self):
        self.file.close()
        self.socket.close()


def http_answer(connection, method, path, body=None, headers=None, chunked=False):
    connection.request(method, path, body=body, headers=headers or {}, encode_chunked=chunked)
    response = connection.getresponse()
    data = response.read()
    fields = sorted((name.lower(), value) for name, value in response.getheaders() if name.lower() not in CHANGING)
    return f"{response.status} {response.reason} {fields} {digest(data)}"


def http_pipelined(port, path, count):
    """Many requests in one packet; the answers, one after the other, without what changes."""
    line = Line(port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
    line.send((request + b"\r\n") * (count - 1) + request + b"Connection: close\r\n\r\n")
    text = b""
    while True:
        part = line.line()
        if not part:
            break
        if not part.lower().startswith(tuple(f"{name}:".encode() for name in CHANGING)):
            text += part
    line.close()
    return digest(text)


def static_files(server):
    got = {}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    for path in ("/", "/1k", "/64k", "/1m", "/slow/64k", "/none"):
        got[f"GET {path}"] = http_answer(connection, "GET", path)
    got["HEAD /1m"] = http_answer(connection, "HEAD", "/1m")
    got["range"] = http_answer(connection, "GET", "/1m", headers={"Range": "bytes=5000-9999"})
    got["two ranges"] = http_answer(connection, "GET", "/64k", headers={"Range": "bytes=0-9"})
    got["POST"] = http_answer(connection, "POST", "/1k", body=b"x" * 1000000)
    connection.close()
    got["20 in a packet"] = http_pipelined(server.port, "/1k", 20)
    line = Line(server.port)
    line.send(b"nonsense\r\n\r\n")
    got["nonsense"] = digest(line.line())
    line.close()
    return got


def node(server):
    got = {}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    for path in ("/", "/large", "/timer", "/file", "/child", "/none"):
        got[f"GET {path}"] = http_answer(connection, "GET", path)
    got["POST"] = http_answer(connection, "POST", "/echo", body=b"node" * 100000)
    got["POST in chunks"] = http_answer(connection, "POST", "/echo", body=(b"p" * 3000 for _ in range(100)), chunked=True)
    connection.close()
    got["20 in a packet"] = http_pipelined(server.port, "/", 20)
    return got


def resp(line):
    """One answer in Redis's protocol."""
    first = line.line()
    if first[:1] == b"$" and first != b"$-1\r\n":
        return first + line.read(int(first[1:]) + 2)
    if first[:1] == b"*" and first != b"*-1\r\n":
        return first + b"".join(resp(line) for _ in range(int(first[1:])))
    return first


REDIS = (
    b"PING", b"FLUSHALL", b"SET a 1", b"GET a", b"APPEND a 2", b"INCR a", b"INCRBYFLOAT a 0.5", b"GET none", b"LPUSH l a b c", b"LRANGE l 0 -1",
    b"INCR l", b"ZADD z 1 one 2 two", b"ZRANGE z 0 -1 WITHSCORES", b"HSET h f v", b"HGETALL h", b"MULTI", b"INCR a2", b"LPOP l", b"EXEC",
    b"EVAL return{redis.call('get',KEYS[1]),KEYS[1],ARGV[1]} 1 a2 x", b"NOSUCH", b"BLPOP empty 0.05", b"SETEX e 100 x", b"STRLEN e", b"DBSIZE",
)


def redis(server):
    got = {}
    line = Line(server.port)
    for command in REDIS:
        words = command.split(b" ")
        line.send(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        got[command.decode()] = digest(resp(line))
    large = b"large" * 400000
    line.send(b"*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n%s\r\nGET large\r\n" % (len(large), large))
    got["2 MB"] = digest(resp(line) + resp(line))
    line.send(b"INCR many\r\n" * 500)
    got["500 in a packet"] = digest(b"".join(resp(line) for _ in range(500)))
    # Clients that wait for another one.
    other = Line(server.port)
    other.send(b"BLPOP queue 30\r\n")
    line.send(b"RPUSH queue item\r\n")
    got["a blocked client"] = digest(resp(other)) + digest(resp(line))
    other.send(b"SUBSCRIBE news\r\n")
    told = resp(other)
    line.send(b"PUBLISH news hello\r\n")
    got["a subscriber"] = digest(told + resp(other)) + digest(resp(line))
    other.close()
    line.close()
    return got


def memcached(server):
    got = {}
    line = Line(server.port)

    def ask(command, lines=1):
        line.send(command + b"\r\n")
        got[command[:30].decode()] = digest(b"".join(line.line() for _ in range(lines)))

    ask(b"flush_all")
    ask(b"set a 5 0 3\r\nabc")
    ask(b"get a", 3)
    ask(b"append a 0 0 3\r\ndef")
    ask(b"get a b", 3)
    ask(b"set n 0 0 2\r\n10")
    ask(b"incr n 5")
    ask(b"decr n 100")
    ask(b"add n 0 0 1\r\n1")
    ask(b"set q 0 0 1 noreply\r\nq\r\nget q", 3)
    ask(b"delete n")
    ask(b"delete n")
    ask(b"touch a 100")
    ask(b"mg a v f", 2)
    ask(b"set x y z")
    ask(b"nonsense")
    large = b"m" * 900000
    line.send(b"set large 0 0 %d\r\n%s\r\nget large\r\n" % (len(large), large))
    got["900 kB"] = digest(line.line() + line.line() + line.read(len(large) + 2) + line.line())
    line.send(b"get a\r\n" * 200)
    got["200 in a packet"] = digest(b"".join(line.line() for _ in range(600)))
    line.close()
    return got


def asyncio(server):
    got = {}
    line = Line(server.port)
    for name, text in (("timer", b"timer"), ("thread", b"thread"), ("child", b"child"), ("short", b""), ("500 kB", b"l" * 500000)):
        line.send(text + b"\n")
        got[name] = digest(line.line())
    line.send(b"".join(b"line %d\n" % i for i in range(300)))
    got["300 in a packet"] = digest(b"".join(line.line() for _ in range(300)))
    line.close()
    return got


def curl(prefix, port):
    """What the client gets, all at once; the order in which the answers come is the network's."""
    urls = [f"http://127.0.0.1:{port}/{path}" for path in ("1k", "64k", "1m", "slow/64k", "none", "index.html")]
    urls += [f"http://127.0.0.1:{port}/1k?{i}" for i in range(50)] + ["http://127.0.0.1:1/refused"]
    done = subprocess.run([*prefix, CURL, "--list", *urls], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return {"exit status": done.returncode, "fetched": sorted(done.stdout.splitlines()), "said": done.stderr}


ASK = {"redis": redis, "nginx": static_files, "haproxy": static_files, "memcached": memcached, "node": node, "asyncio": asyncio}


def differences(native, epollx):
    """The questions that were answered in another way."""
    return [f"{name}: {native.get(name)!r} / {epollx.get(name)!r}" for name in {**native, **epollx} if native.get(name) != epollx.get(name)]
