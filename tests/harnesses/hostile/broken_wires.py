"""Mutations of how a reply is sent over HTTP: status, framing, compression, headers."""

import gzip
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.harnesses.hostile.case import LATIN_MARKER, ProviderReply, Sent

#: Returns the bytes on the wire for a status and a body.
Break = Callable[[Random, int, bytes], Sent]
Header = tuple[bytes, bytes]

_STATUSES: Final = (
    200, 201, 202, 204, 206, 299, 304, 301, 302, 307, 308, 400, 401, 403, 404, 408, 409, 418, 422,
    429, 500, 501, 502, 503, 504, 599, 600, 999,
)  # fmt: skip
_NO_BODY: Final = frozenset({204, 304})
_TYPES: Final = (
    "text/html", "application/json", "text/xml", "text/plain; charset=utf-16", "image/png", "",
    "text/xml; charset=windows-1251", "multipart/form-data; boundary=x", 'application/json; a="',
    "a" * 4000, "text/html; charset=no-such", LATIN_MARKER,
)  # fmt: skip
_SECONDS: Final = (
    "0", "1", "-1", "1.5", "1e9", "9" * 400, "soon", "", "²", "Wed, 21 Oct 2026 07:28:00 GMT",
    "Wed, 21 Oct 2026 07:28:00 +2500", "Mon, 01 Jan 0001 00:00:00 +1400", "1, 2",
    "Fri, 31 Dec 9999 23:59:59 -1400", "Wed, 99 Foo 2026", "(((((", "21 Oct 2026", "0x10",
    "Wed, 21 Oct 2026 07:28:00 +999999999999", "Wed, 21 Oct 99999999999 07:28:00 GMT", "\x00",
    "Wed, 21 Oct 2026 99:99:99 GMT", "Wed, 21 Oct 2026 07.28 GMT", "Wed 21 Oct 2026 : : GMT",
)  # fmt: skip


def head(status: int, headers: Sequence[Header], reason: bytes = b"OK") -> bytes:
    """Return the bytes of a reply's head."""
    lines = [
        b"HTTP/1.1 %d %s" % (status, reason),
        *(name + b": " + value for name, value in headers),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def honest(status: int, body: bytes, *more: Header) -> Sent:
    """Send a reply correctly."""
    headers = [(b"Content-Type", b"text/plain"), *more, (b"Content-Length", b"%d" % len(body))]
    return Sent(head(status, headers) + body, _heard(status, body))


def _heard(status: int, body: bytes | None) -> ProviderReply:
    return ProviderReply(status, b"" if status in _NO_BODY else body)


def status(random: Random, was: int, body: bytes) -> Sent:
    del was
    return honest(random.choice(_STATUSES), body)


def content_type(random: Random, was: int, body: bytes) -> Sent:
    said = random.choice(_TYPES).encode()
    sent = honest(was, body)
    return Sent(sent.wire.replace(b"text/plain", said, 1), sent.heard)


def throttled(random: Random, was: int, body: bytes) -> Sent:
    del was
    code = random.choice((429, 503, 200, 400))
    more = [(b"Retry-After", random.choice(_SECONDS).encode("latin-1"))]
    if random.random() < 0.5:
        more.append((b"Date", random.choice(_SECONDS).encode("latin-1")))
    return honest(code, body, *more)


def redirected(random: Random, was: int, body: bytes) -> Sent:
    del was
    where = random.choice((b"http://127.0.0.1:9/", b"/", b"//evil", b"file:///etc/passwd", b"\xff"))
    return honest(random.choice((300, 301, 302, 303, 307, 308, 399)), body, (b"Location", where))


def compressed(random: Random, was: int, body: bytes) -> Sent:
    """Compress, correctly or not. A body whose compression breaks states nothing."""
    whole = gzip.compress(body, 1, mtime=0)
    bare = zlib.compressobj(1, zlib.DEFLATED, -15)
    part = whole[: random.randint(0, len(whole))]
    ways: tuple[tuple[bytes, bytes, bytes | None], ...] = (
        (b"gzip", whole, body),
        (b"x-gzip", whole, body),
        (b"GZIP", whole, body),
        (b"deflate", zlib.compress(body, 1), body),
        (b"deflate", bare.compress(body) + bare.flush(), body),
        (b"gzip, gzip", gzip.compress(whole, 1, mtime=0), body),
        (b"gzip", body, None),
        (b"deflate", body, None),
        # Bytes after a complete body do not change what it states.
        (b"gzip", part, zlib.decompressobj(31).decompress(part)),
        (b"gzip", whole[:-8] + b"\x00" * 8, None),
        (b"gzip, gzip, gzip, gzip, gzip, gzip, gzip", body, None),
        (b"br", body, body),
        (b"identity", body, body),
        (b"no-such", body, body),
    )
    name, content, heard = random.choice(ways)
    length = (b"Content-Length", b"%d" % len(content))
    wire = head(was, [(b"Content-Encoding", name), length]) + content
    return Sent(wire, _heard(was, heard))


def bombed(random: Random, was: int, body: bytes) -> Sent:
    """Compress a body that becomes very large when it is unpacked."""
    swollen = body + b" " * random.choice((2_000_000, 20_000_000))
    content = gzip.compress(swollen, 1, mtime=0)
    if random.random() < 0.3:
        content = gzip.compress(content, 1, mtime=0)
        name = b"gzip, gzip"
    else:
        name = b"gzip"
    length = (b"Content-Length", b"%d" % len(content))
    wire = head(was, [(b"Content-Encoding", name), length]) + content
    return Sent(wire, _heard(was, body))


def miscounted(random: Random, was: int, body: bytes) -> Sent:
    """Declare another length than the body has."""
    shorter = random.randint(0, max(len(body) - 1, 0))
    ways: tuple[tuple[bytes, bytes | None], ...] = (
        (b"%d" % (len(body) + random.choice((1, 10, 10**6, 10**12, 10**30))), None),
        (b"%d" % shorter, body[:shorter]),
        (b"-1", body),
        (b"-%d" % len(body), body),
        (b"x", body),
        (b"", body),
        (b"9" * 5000, body),
        (b"0x10", body),
        (b"%d, %d" % (len(body), len(body)), body),
        (b"%d, %d" % (len(body), len(body) + 1), body),
        (b"\xb2", body),
        (b"1_0", body[:10]),
    )
    said, heard = random.choice(ways)
    return Sent(head(was, [(b"Content-Length", said)]) + body, _heard(was, heard))


def chunked(random: Random, was: int, body: bytes) -> Sent:
    """Send in chunks, correctly or not."""
    size = random.choice((1, 7, 100, 5000))
    if len(body) > 20_000:
        size = 5000
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    right = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    whole = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    bad_size = random.choice((
        b"-1", b"-5", b"-ff", b"", b"zz", b"\x00", b"+5", b"0x5", b"1_0", b" 5 ", b"f" * 200,
        b"f" * 70_000, b"5;" + b"x" * 70_000, b"\xb2", b"%x" % (10**12), b"-1;a=b",
    ))  # fmt: skip
    ways: tuple[tuple[bytes, bytes | None], ...] = (
        (right + b"0\r\n\r\n", body),
        (whole + b"0\r\nX-Trailer: " + LATIN_MARKER.encode() + b"\r\n\r\n", body),
        (b"%x;a=b;c\r\n%s\r\n0\r\n\r\n" % (len(body), body), body),
        (right, None),
        (right[: random.randint(0, len(right))], None),
        (whole + bad_size + b"\r\n" + body, None),
        (bad_size + b"\r\n" + body + b"\r\n0\r\n\r\n", None),
        (b"%x\r\n%s" % (len(body) + 5, body), None),
        (body, None),
        (whole + b"0\r\n" + b"a: b\r\n" * 5000, body),
    )
    wire, heard = random.choice(ways)
    names = random.choice(
        (b"chunked", b"Chunked", b"chunked", b"gzip, chunked", b"chunked, chunked")
    )
    if names.lower() != b"chunked":
        # No known framing: if the reply counts at all, everything until the connection ends is its
        # body.
        heard = wire
    return Sent(head(was, [(b"Transfer-Encoding", names)]) + wire, _heard(was, heard))


def odd_headers(random: Random, was: int, body: bytes) -> Sent:
    """Add malformed headers."""
    marker = LATIN_MARKER.encode()
    length = b"Content-Length: %d" % len(body)
    lines = random.choice((
        [marker],
        [b": " + marker],
        [b"X-" + marker + b": 1"],
        [b" folded " + marker],
        [b"X: 1", b" folded " + marker],
        [b"X: \x00" + marker],
        [b"X: \xff\xfe"],
        [b"Set-Cookie: name=" + marker],
        [b"X-%d: %s" % (i, marker) for i in range(random.choice((50, 99, 200)))],
        [b"X: " + b"a" * random.choice((60_000, 70_000))],
        [b"Content-Length: 5"],
        [b"Transfer-Encoding: chunked"],
        [b"Connection: " + marker],
        [b"HTTP/1.1 200 OK"],
        [b"From " + marker],
    ))  # fmt: skip
    ordered = [length, *lines] if random.random() < 0.5 else [*lines, length]
    wire = b"HTTP/1.1 %d OK\r\n" % was + b"\r\n".join(ordered) + b"\r\n\r\n" + body
    # Clients differ in which of two framings counts and where such a head ends. The oracle accepts
    # what the body states.
    return Sent(wire, _heard(was, body))


def odd_status_line(random: Random, was: int, body: bytes) -> Sent:
    marker = LATIN_MARKER.encode()
    line = random.choice((
        b"", b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 abc OK", b"HTTP/1.1 99 OK", b"HTTP/1.1 1000 OK",
        b"HTTP/1.1 -200 OK", b"HTTP/9.9 200 OK", b"HTTP/2 200", b"ICY 200 OK", marker, b"\x00" * 40,
        b"HTTP/1.1 200 " + marker, b"HTTP/1.1 200 " + b"a" * 70_000, b"\x16\x03\x01\x02",
        b"HTTP/1.0 %d OK" % was, b"HTTP/0.9 %d OK" % was, b"HTTP/1.1 %d" % was, b"HTTP/1.1  200",
        b"HTTP/1.1 200OK", b"SSH-2.0-OpenSSH", b"HTTP/1.1 \xb2\xb0\xb0 OK", b"HTTP/1.1 2_0_0 OK",
        b"HTTP/1.1 +200 OK", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 %d OK" % was,
        b"HTTP/1.1 101 Switching", b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 %d OK" % was,
        b"HTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 %d OK" % was,
    ))  # fmt: skip
    wire = line + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    stated = 200 if b" 200" in line or b"+200" in line or b"2_0_0" in line else was
    return Sent(wire, _heard(stated, body))


def cut_off(random: Random, was: int, body: bytes) -> Sent:
    """Declare a length, and end the connection before it."""
    wire = honest(was, body).wire
    return Sent(wire[: random.randint(0, len(wire) - 1)], _heard(was, None if body else b""))


def until_the_end(random: Random, was: int, body: bytes) -> Sent:
    """Send no length: the reply ends with the connection."""
    del random
    return Sent(head(was, []) + body, _heard(was, body))


def overlong(random: Random, was: int, body: bytes) -> Sent:
    """Send more than the declared length."""
    more = random.choice((b"\x00", b"HTTP/1.1 200 OK\r\n\r\n", body))
    return Sent(honest(was, body).wire + more, _heard(was, body))


WIRES: Final[tuple[Break, ...]] = (
    status, status, content_type, throttled, redirected, compressed, compressed, miscounted,
    miscounted, chunked, chunked, odd_headers, odd_status_line, cut_off, until_the_end, overlong,
)  # fmt: skip
