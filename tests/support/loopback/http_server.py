"""A strict HTTP/1.1 server on loopback: reads a request, writes the answer that a function gives.

The doubles of providers and of the marketplace's pages are made of it.
"""

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from tests.support.loopback.server import LoopbackServer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 -- any JSON may be sent
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, and how."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Sent in the place of all of the above.
    raw: bytes | None = None
    #: Seconds between two bytes.
    drip: float = 0.0
    #: Seconds before the first byte.
    wait: float = 0.0
    #: Close the connection without a word.
    cut: bool = False
    #: Close the connection after the answer.
    close: bool = False

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def read_request(reader: IO[bytes]) -> Asked:
    """Read one request.

    Raises ConnectionError when the client leaves, between two requests or in the middle of one.
    """
    line = _line(reader)
    method, path, version = line.decode("ascii").split()
    headers: dict[str, str] = {}
    while header := _line(reader).decode("latin-1").rstrip("\r\n"):
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    is_plain = version == "HTTP/1.1" and "host" in headers and "transfer-encoding" not in headers
    assert is_plain, f"not plain HTTP/1.1: {line!r}"
    length = int(headers.get("content-length", "0"))
    body = reader.read(length)
    if len(body) < length:
        raise ConnectionError
    return Asked(method, path, headers, body)


def _line(reader: IO[bytes]) -> bytes:
    line = reader.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError
    return line


class HttpServer(LoopbackServer):
    """Answers each request of each connection."""

    def __init__(
        self, answer: Callable[[Asked], Answer], tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(self._converse, tls)
        self._answer = answer

    def _converse(self, wire: socket.socket) -> None:
        with wire.makefile("rb") as reader:
            while self._write(wire, self._answer(read_request(reader))):
                pass

    def _write(self, wire: socket.socket, answer: Answer) -> bool:
        """Return whether the connection carries another request."""
        if self.stopped.wait(answer.wait) or answer.cut:
            return False
        if not answer.drip:
            wire.sendall(answer.bytes())
        else:
            for byte in answer.bytes():
                wire.sendall(bytes([byte]))
                if self.stopped.wait(answer.drip):
                    return False
        return not answer.close
