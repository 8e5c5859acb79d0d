"""Replies that only a real connection can give: slow, endless, cut off, compression bombs.

The other side cannot prevent that a call ends within its total limit, and that it takes no more
memory than a few times the limit of a reply.
"""

import gzip
import resource
import socket
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from tests.support.loopback.http_server import read_request
from tests.support.loopback.server import LoopbackServer
from tests.support.providers.moneta import settings, work
from worker.domain.outcomes import Outcome, Pending
from worker.providers.moneta.plugin import MonetaPlugin

#: Seconds that a call may take, and how much longer a busy machine may need to end it.
TOTAL: Final = 0.5
GRACE: Final = 20.0
#: Of a reply's limit of 1 MB: the body, decompressed, decoded and parsed.
MOST_MEMORY: Final = 128 * 1024 * 1024

_HEAD: Final = b"HTTP/1.1 200 OK\r\n"
_CHUNKED: Final = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_MEGABYTE: Final = 1024 * 1024

#: Writes a reply. It may be endless, until the other side closes.
Script = Callable[[socket.socket], None]


def _endless(head: bytes, piece: bytes, pause: float = 0.0) -> Script:
    def write(peer: socket.socket) -> None:
        peer.sendall(head)
        while True:
            peer.sendall(piece)
            if pause:
                time.sleep(pause)

    return write


def _once(content: bytes) -> Script:
    return lambda peer: peer.sendall(content)


def _bomb(megabytes: int, *, twice: bool = False) -> bytes:
    """Return a compression bomb.

    It is never held unpacked here, because that would hide a product that holds it.
    """
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    blanks = b" " * _MEGABYTE
    content = b"".join(squeeze.compress(blanks) for _ in range(megabytes)) + squeeze.flush()
    names = b"gzip"
    if twice:
        content, names = gzip.compress(content, 9, mtime=0), b"gzip, gzip"
    lines = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (names, len(content))
    return _HEAD + lines + content


def _items(head: bytes, item: bytes, tail: bytes) -> bytes:
    body = head + item * ((_MEGABYTE - len(head) - len(tail)) // len(item)) + tail
    return _HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


_ATTRIBUTES: Final = b'{"Envelope":{"Body":{"GetProfileInfoResponse":{"attribute":['
SCRIPTS: Final[dict[str, Script]] = {
    "silence": lambda _: time.sleep(TOTAL * 2),
    "a slow drip of the body": _endless(_HEAD + b"Content-Length: 100000\r\n\r\n", b" ", 0.05),
    "a slow drip of the head": _endless(_HEAD + b"X: ", b"a", 0.05),
    "a slow drip of chunks": _endless(_CHUNKED, b"1\r\n \r\n", 0.05),
    "a slow drip until the end": _endless(_HEAD + b"\r\n", b" ", 0.05),
    "headers without end": _endless(_HEAD, b"X: a\r\n"),
    "one header without end": _endless(_HEAD + b"X: ", b"a" * 65_536),
    "a status line without end": _endless(b"HTTP/1.1 200 ", b"a" * 65_536),
    "continues without end": _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "trailers without end": _endless(_CHUNKED + b"0\r\n", b"X: a\r\n"),
    "a body without end": _endless(_HEAD + b"\r\n", b" " * 65_536),
    "chunks without end": _endless(_CHUNKED, b"10000\r\n" + b" " * 65_536 + b"\r\n"),
    "chunks of one byte": _endless(_CHUNKED, b"1\r\n \r\n" * 1000),
    "a chunk's extension without end": _endless(_CHUNKED + b"1;", b"a" * 65_536),
    "a chunk of negative size": _endless(_CHUNKED + b"-1\r\n", b" " * 65_536),
    "a chunk of lower size": _endless(_CHUNKED + b"-2\r\n", b" " * 65_536),
    "ten megabytes of spaces": lambda peer: peer.sendall(
        _HEAD + b"Content-Length: %d\r\n\r\n" % (10 * _MEGABYTE) + b" " * (10 * _MEGABYTE)
    ),
    "a length that does not come": _once(_HEAD + b"Content-Length: 1000000\r\n\r\n{}"),
    "a gzip bomb": lambda peer: peer.sendall(_bomb(32)),
    "a gzip bomb in another": lambda peer: peer.sendall(_bomb(32, twice=True)),
    "a megabyte of spoilt items": _once(_items(_ATTRIBUTES, b"1,", b"1]}}}}")),
    "a megabyte of brackets": _once(_items(b"", b"[", b"")),
    "a megabyte of digits": _once(_items(b'{"a":', b"9", b"}")),
    "a megabyte of elements": _once(_items(b"<Envelope><Body>", b"<a/>", b"</Body></Envelope>")),
    "nothing": lambda _: None,
}


@dataclass(frozen=True, slots=True)
class Took:
    """The outcome of a call, and what it took."""

    outcome: Outcome
    seconds: float
    #: Bytes by which the process's memory has grown beyond its earlier peak.
    memory: int

    def wrongs(self) -> Iterator[str]:
        """Find what is wrong with it."""
        if not isinstance(self.outcome, Pending) or self.outcome.trouble is None:
            yield f"an answer was understood: {self.outcome}"
        if self.seconds > TOTAL + GRACE:
            yield f"{self.seconds:.1f} s"
        if self.memory > MOST_MEMORY:
            yield f"{self.memory // _MEGABYTE} MB"


@contextmanager
def served(script: Script) -> Iterator[str]:
    """Serve one script on every connection; return the address."""

    def serve(peer: socket.socket) -> None:
        # Do not write for long to a peer that was cut off.
        peer.settimeout(TOTAL * 2)
        with peer.makefile("rb") as reader:
            # The whole request: an earlier close resets the connection and loses the reply.
            read_request(reader)
        script(peer)

    with LoopbackServer(serve) as server:
        yield f"{server.origin}/services"


def ask(script: Script, transport: str = "json") -> Took:
    """Poll a MONETA that answers with a script."""
    with served(script) as url:
        limit = timedelta(seconds=TOTAL)
        times = dict.fromkeys(("connect_timeout", "read_timeout", "total_timeout"), limit)
        made = settings(url, transport=transport, password=SecretStr("p"), **times)
        plugin = MonetaPlugin(made)
        before = _peak()
        began = time.monotonic()
        try:
            outcome = plugin.poll(work())
        finally:
            took = time.monotonic() - began
            plugin.close()
        return Took(outcome, took, _peak() - before)


def _peak() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
