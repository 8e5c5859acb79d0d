"""A strict HTTP server on loopback that answers what a test tells it to."""

import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

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


def said(document: object, status: int = 200, **headers: str) -> Answer:
    """Return an answer in JSON."""
    body = json.dumps(document).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(body, status, {"Content-Type": "application/json;charset=UTF-8", **named})


class _CutOff(OSError):
    """The client went away, between two requests or, out of time, in the middle of one."""


class _Handler(socketserver.StreamRequestHandler):
    """Serves one connection."""

    server: "_Server"

    def handle(self) -> None:
        stub = self.server.stub
        with stub.lock:
            stub.connections += 1
        try:
            while self._write(stub.next_answer(self._read())):
                pass
        except OSError:
            return

    def _read(self) -> Asked:
        line = self._line()
        method, path, version = line.decode("ascii").split()
        headers: dict[str, str] = {}
        while header := self._line().decode("latin-1").rstrip("\r\n"):
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        if version != "HTTP/1.1" or "host" not in headers or "transfer-encoding" in headers:
            self.server.stub.faults.append(f"not plain HTTP/1.1: {line!r}")
        length = int(headers.get("content-length", "0"))
        body = self.rfile.read(length)
        if len(body) < length:
            raise _CutOff
        return Asked(method, path, headers, body)

    def _line(self) -> bytes:
        line = self.rfile.readline()
        if not line.endswith(b"\n"):
            raise _CutOff
        return line

    def _write(self, answer: Answer) -> bool:
        stub = self.server.stub
        if stub.stopped.wait(answer.wait) or answer.cut:
            return False
        if not answer.drip:
            self.wfile.write(answer.bytes())
        else:
            for byte in answer.bytes():
                self.wfile.write(bytes([byte]))
                if stub.stopped.wait(answer.drip):
                    return False
        return not answer.close


Request = socket.socket | tuple[bytes, socket.socket]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    stub: "HttpStub"
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Request, client_address: object) -> None:
        if self.tls is None or isinstance(request, tuple):
            super().finish_request(request, client_address)
            return
        try:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        except OSError:
            return

    def shutdown_request(self, request: Request) -> None:
        super().shutdown_request(request)
        with self.stub.lock:
            self.stub.ended += 1

    def handle_error(self, request: object, client_address: object) -> None:
        self.stub.faults.append(f"the stub failed to serve {client_address} ({request})")


class HttpStub:
    """The server; a context manager. Answers in the order given; the last one repeats."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers or [Answer()])
        self.asked: list[Asked] = []
        self.connections = 0
        #: Of those, how many the stub has closed.
        self.ended = 0
        self.faults: list[str] = []
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stub = self
        self._server.tls = tls
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        scheme = "http" if self._server.tls is None else "https"
        host = "127.0.0.1" if self._server.tls is None else "localhost"
        return f"{scheme}://{host}:{self.port}/services"

    def answer(self, *answers: Answer) -> None:
        """Replace what is still to be answered."""
        with self.lock:
            self.answers = list(answers)

    def next_answer(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if kind is None:
            assert self.faults == []


class Slammed:
    """A listener that accepts and closes at once, so that no handshake ever completes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._slam, daemon=True)

    def _slam(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def seconds_since(began: float) -> float:
    """Return the seconds since a `time.monotonic()`."""
    return time.monotonic() - began
