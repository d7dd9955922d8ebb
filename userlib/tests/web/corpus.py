# SPDX-License-Identifier: MIT
"""Requests for the HTTP server among the examples, and what it has to say to each.

A row: what it is, the bytes, the answers. An answer: status, body (None: not looked at), fields that it has (None: that
it must not have). After the last one the connection is kept where KEPT is the end of the row, and closed otherwise.
"""
from server import BIG, INDEX, get, request

KEPT, CLOSED = "kept", "closed"
SIZE = len(BIG)


def line(text):
    """A head of this one line and a Host."""
    return request(text)


def head(path, *fields):
    return request(f"HEAD {path} HTTP/1.1", *fields)


def ok(body, **fields):
    return 200, body, fields


def part(first, last):
    return 206, BIG[first : last + 1], {"content-range": f"bytes {first}-{last}/{SIZE}", "content-length": str(last - first + 1)}


def refused(status, **fields):
    return status, b"", fields


def ranges(asked):
    return get("/big", f"Range: {asked}")


WHOLE = ok(BIG, content_range=None, content_length=str(SIZE), accept_ranges="bytes")
NOT_SATISFIABLE = refused(416, content_range=f"bytes */{SIZE}")
BAD = refused(400)

# The answers to HEAD have no body.
SERVED = (
    ("the index", get("/"), ok(INDEX, content_type="text/html; charset=utf-8", connection=None), KEPT),
    ("a file", get("/big"), ok(BIG, content_type="application/octet-stream"), KEPT),
    ("an empty file", get("/empty"), ok(b"", content_length="0"), KEPT),
    ("an index below", get("/under/"), ok(b"below"), KEPT),
    ("a name that is escaped", get("/a%20b.txt"), ok(b"space", content_type="text/plain; charset=utf-8"), KEPT),
    ("escapes where none is needed", get("/%69ndex.htm%6C"), ok(INDEX), KEPT),
    ("a query", get("/index.html?a=/../b"), ok(INDEX), KEPT),
    ("a query without a path", line("GET http://x?q HTTP/1.1"), ok(INDEX), KEPT),
    ("more slashes than one", get("///under//index.html"), ok(b"below"), KEPT),
    ("a point as a part", get("/./under/./index.html"), ok(b"below"), KEPT),
    ("absolute form", line("GET http://elsewhere:80/a%20b.txt HTTP/1.1"), ok(b"space"), KEPT),
    ("absolute form, nothing behind the host", line("GET HTTP://x HTTP/1.1"), ok(INDEX), KEPT),
    ("fields of any case and space", b"GET / HTTP/1.1\r\nhOST:x\r\nX-Y:\t a \t\r\nEmpty:\r\n\r\n", ok(INDEX), KEPT),
    ("a Host that is empty", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", ok(INDEX), KEPT),
    ("a Host that is an address", b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", ok(INDEX), KEPT),
    ("bytes above ASCII in a field", get("/", "X: \xe4\xff"), ok(INDEX), KEPT),
    ("an empty line in front", b"\r\n" + get("/"), ok(INDEX), KEPT),
    ("a body of no bytes", get("/", "Content-Length: 0"), ok(INDEX), KEPT),
    ("a minor version to come", line("GET / HTTP/1.7"), ok(INDEX, connection=None), KEPT),
    ("close", get("/", "Connection: close"), ok(INDEX, connection="close"), CLOSED),
    ("close among others", get("/", "Connection: te, CLOSE"), ok(INDEX, connection="close"), CLOSED),
    ("1.0", b"GET / HTTP/1.0\r\n\r\n", ok(INDEX, connection="close"), CLOSED),
    ("1.0 that wants to stay", b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", ok(INDEX, connection="keep-alive"), KEPT),
    ("a link that stays inside", get("/in"), ok(b"below"), KEPT),
    ("HEAD", head("/big"), ok(None, content_length=str(SIZE)), KEPT),
    ("HEAD of nothing", head("/nothing"), refused(404, content_length="0"), KEPT),
    ("HEAD knows no ranges", head("/big", "Range: bytes=0-1"), ok(None, content_length=str(SIZE), content_range=None), KEPT),
    ("nothing of this name", get("/nothing"), refused(404), KEPT),
    ("a directory", get("/under"), refused(404), KEPT),
    ("a file as a directory", get("/big/x"), refused(404), KEPT),
    ("a fifo", get("/fifo"), refused(404), KEPT),
    ("a long name", get("/" + "a" * 400), refused(404), KEPT),
)

RANGES = (
    ("the first byte", ranges("bytes=0-0"), part(0, 0), KEPT),
    ("from the midst", ranges("bytes=1000000-1099999"), part(1000000, 1099999), KEPT),
    ("from a byte on", ranges(f"bytes={SIZE - 7}-"), part(SIZE - 7, SIZE - 1), KEPT),
    ("the last byte", ranges(f"bytes={SIZE - 1}-{SIZE - 1}"), part(SIZE - 1, SIZE - 1), KEPT),
    ("an end behind the end", ranges("bytes=5-99999999"), part(5, SIZE - 1), KEPT),
    ("a suffix", ranges("bytes=-5"), part(SIZE - 5, SIZE - 1), KEPT),
    ("a suffix of more than all", ranges(f"bytes=-{SIZE + 9}"), part(0, SIZE - 1), KEPT),
    ("a suffix of nothing", ranges("bytes=-0"), NOT_SATISFIABLE, KEPT),
    ("behind the end", ranges(f"bytes={SIZE}-"), NOT_SATISFIABLE, KEPT),
    ("far behind the end", ranges("bytes=999999999999999999-"), NOT_SATISFIABLE, KEPT),
    ("a part of an empty file", get("/empty", "Range: bytes=0-"), refused(416, content_range="bytes */0"), KEPT),
    ("the unit in capitals", ranges("Bytes=0-3"), part(0, 3), KEPT),
    # What is not one range of bytes is not looked at.
    ("several", ranges("bytes=0-1,4-5"), WHOLE, KEPT),
    ("several fields", get("/big", "Range: bytes=0-1", "Range: bytes=4-"), WHOLE, KEPT),
    ("several fields, of which one is none", get("/big", "Range: bytes=0-4", "Range: bytes=x-"), WHOLE, KEPT),
    ("the end before the beginning", ranges("bytes=9-5"), WHOLE, KEPT),
    ("no number", ranges("bytes=x-"), WHOLE, KEPT),
    ("no bounds", ranges("bytes=-"), WHOLE, KEPT),
    ("a sign", ranges("bytes=+1-2"), WHOLE, KEPT),
    ("a number that is too large", ranges("bytes=99999999999999999999-"), WHOLE, KEPT),
    ("another unit", ranges("lines=0-1"), WHOLE, KEPT),
    ("under a condition", get("/big", "Range: bytes=0-1", 'If-Range: "x"'), WHOLE, KEPT),
)

# Nobody gets out of the directory.
OUTSIDE = (
    ("up", get("/../secret"), BAD, CLOSED),
    ("up, escaped", get("/%2e%2E/secret"), BAD, CLOSED),
    ("up from below", get("/under/..%2f../secret"), BAD, CLOSED),
    ("up at the end", get("/under/.."), BAD, CLOSED),
    ("up in absolute form", line("GET http://x/../secret HTTP/1.1"), BAD, CLOSED),
    ("a link out", get("/out"), refused(404), KEPT),
    ("a link far out", get("/out-far"), refused(404), KEPT),
    ("a link out in the midst", get("/up/secret"), refused(404), KEPT),
    ("a link out and in", get("/up/inside/index.html"), refused(404), KEPT),
    ("a link to itself", get("/loop"), refused(404), KEPT),
    ("an absolute path", get("//etc/passwd"), refused(404), KEPT),
)

MALFORMED = (
    ("nothing", b"\r\n\r\n", BAD, CLOSED),
    ("a method alone", b"GET\r\n\r\n", BAD, CLOSED),
    ("no version", b"GET /\r\n\r\n", BAD, CLOSED),
    ("no target", line("GET HTTP/1.1"), BAD, CLOSED),
    ("two spaces", line("GET  / HTTP/1.1"), BAD, CLOSED),
    ("a space in front", line(" GET / HTTP/1.1"), BAD, CLOSED),
    ("a word too many", line("GET / x HTTP/1.1"), BAD, CLOSED),
    ("a tab", line("GET\t/ HTTP/1.1"), BAD, CLOSED),
    ("a method that is no word", line("G@T / HTTP/1.1"), BAD, CLOSED),
    ("a relative target", line("GET x HTTP/1.1"), BAD, CLOSED),
    ("absolute form without a host", line("GET http:///x HTTP/1.1"), BAD, CLOSED),
    ("absolute form with a user", line("GET http://a@b/ HTTP/1.1"), BAD, CLOSED),
    ("another scheme", line("GET ftp://x/ HTTP/1.1"), BAD, CLOSED),
    ("a version that is none", line("GET / HTTP/1,1"), BAD, CLOSED),
    ("a version of two digits", line("GET / HTTP/11.1"), BAD, CLOSED),
    ("a version in small letters", line("GET / http/1.1"), BAD, CLOSED),
    ("no Host", b"GET / HTTP/1.1\r\n\r\n", BAD, CLOSED),
    ("two Hosts", b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", BAD, CLOSED),
    ("a Host with a path", b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", BAD, CLOSED),
    ("a Host of two words", b"GET / HTTP/1.1\r\nHost: x y\r\n\r\n", BAD, CLOSED),
    ("a space in front of the colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", BAD, CLOSED),
    ("a field without a name", get("/", ": x"), BAD, CLOSED),
    ("a field without a colon", get("/", "X"), BAD, CLOSED),
    ("a name that is no word", get("/", "X(Y): x"), BAD, CLOSED),
    ("a line that goes on", get("/", "X: a", " b"), BAD, CLOSED),
    ("a space in front of the first field", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", BAD, CLOSED),
    ("LF alone", b"GET / HTTP/1.1\nHost: x\n\r\n\r\n", BAD, CLOSED),
    ("CR alone", get("/", "X: a\rY: b"), BAD, CLOSED),
    ("a control character", get("/", "X: \x01"), BAD, CLOSED),
    ("DEL", get("/", "X: \x7f"), BAD, CLOSED),
    ("NUL in a field", get("/", "X: a\0b"), BAD, CLOSED),
    ("NUL in the target", get("/\0"), BAD, CLOSED),
    ("NUL, escaped", get("/index.html%00.txt"), BAD, CLOSED),
    ("an escape that is cut", get("/%"), BAD, CLOSED),
    ("an escape of one digit", get("/%2"), BAD, CLOSED),
    ("an escape of no digits", get("/%zz"), BAD, CLOSED),
    ("a fragment", get("/#x"), BAD, CLOSED),
    ("bytes above ASCII in the target", get("/\xe4"), BAD, CLOSED),
    ("a length below nothing", get("/", "Content-Length: -1"), BAD, CLOSED),
    ("a length that is none", get("/", "Content-Length: 1x"), BAD, CLOSED),
    ("an empty length", get("/", "Content-Length:"), BAD, CLOSED),
    ("two lengths in a field", get("/", "Content-Length: 0, 5"), BAD, CLOSED),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", BAD, CLOSED),
)

REFUSED = (
    ("another method", line("POST / HTTP/1.1"), refused(405, allow="GET, HEAD", connection="close"), CLOSED),
    ("a method in small letters", line("get / HTTP/1.1"), refused(405), CLOSED),
    ("all of the server", line("OPTIONS * HTTP/1.1"), refused(405), CLOSED),
    ("a body", get("/", "Content-Length: 5") + b"hello", refused(413, connection="close"), CLOSED),
    ("a body in pieces", get("/", "Transfer-Encoding: chunked") + b"0\r\n\r\n", refused(413), CLOSED),
    ("two lengths", get("/", "Content-Length: 0", "Content-Length: 5"), refused(413), CLOSED),
    ("a long target", get("/" + "a" * 2000), refused(414), CLOSED),
    ("a long head", get("/", "X: " + "a" * 9000), refused(431), CLOSED),
    ("many fields", get("/", *["A: b"] * 2000), refused(431), CLOSED),
    ("another version", line("GET / HTTP/2.0"), refused(505), CLOSED),
    ("HTTP/2's first words", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused(505), CLOSED),
)

# Several at once: the answers come in order, and none behind one that closes.
MANY = (
    ("four", get("/") + head("/big") + ranges("bytes=3-5") + get("/empty"),
     ok(INDEX), ok(None), part(3, 5), ok(b""), KEPT),
    ("one that is not there, and a range that is not", get("/x") + ranges("bytes=-0") + get("/"),
     refused(404), NOT_SATISFIABLE, ok(INDEX), KEPT),
    ("one that closes", get("/") + get("/", "Connection: close") + get("/under/"), ok(INDEX), ok(INDEX), CLOSED),
    ("one that is bad", get("/") + b"x\r\n\r\n" + get("/"), ok(INDEX), BAD, CLOSED),
    ("an empty line between", get("/") + b"\r\n" + get("/under/"), ok(INDEX), ok(b"below"), KEPT),
)

ROWS = SERVED + RANGES + OUTSIDE + MALFORMED + REFUSED + MANY
