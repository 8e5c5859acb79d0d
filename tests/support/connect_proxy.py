"""A strict HTTP proxy on loopback: it makes tunnels (CONNECT) for those who name themselves."""

import re
import selectors
import socket
import socketserver
import threading
from base64 import b64encode
from types import TracebackType
from typing import Self

_LINE = re.compile(r"CONNECT ([^ :/@]+|\[[0-9a-f:]+\]):([0-9]+) HTTP/1\.1")
NAME, PASSWORD = "worker", "Secret#1@proxy/ключ"


class _Handler(socketserver.BaseRequestHandler):
    """Serves one connection."""

    request: socket.socket
    server: "_Server"

    def handle(self) -> None:
        proxy = self.server.proxy
        try:
            head = self._head()
            with proxy.lock:
                proxy.asked.append(head)
            if proxy.says is not None:
                self._say(proxy.says)
                return
            status = self._refusal(head)
            if status is not None:
                self.request.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
                return
            self._carry(head)
        except OSError:
            return

    def _head(self) -> str:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            more = self.request.recv(1)
            if not more:
                raise ConnectionError
            head += more
        return head.decode("ascii")

    def _refusal(self, head: str) -> int | None:
        line, *headers = head.removesuffix("\r\n\r\n").split("\r\n")
        asked = _LINE.fullmatch(line)
        named = dict(header.split(": ", 1) for header in headers)
        if asked is None or named.get("Host") != f"{asked[1]}:{asked[2]}":
            self.server.proxy.faults.append(f"not a CONNECT: {line}")
            return 400
        expected = b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
        if named.get("Proxy-Authorization") != f"Basic {expected}":
            return 407
        return self.server.proxy.status

    def _carry(self, head: str) -> None:
        asked = _LINE.match(head)
        assert asked is not None
        try:
            host = socket.create_connection((asked[1].strip("[]"), int(asked[2])), 5)
        except OSError:
            self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with host, selectors.DefaultSelector() as selector:
            selector.register(self.request, selectors.EVENT_READ, host)
            selector.register(host, selectors.EVENT_READ, self.request)
            while not self.server.proxy.stopped.is_set():
                for ready, _ in selector.select(0.1):
                    piece = ready.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not piece:
                        return
                    with self.server.proxy.lock:
                        self.server.proxy.carried += piece
                    ready.data.sendall(piece)

    def _say(self, words: bytes) -> None:
        proxy = self.server.proxy
        for byte in words:
            self.request.sendall(bytes([byte]))
            if proxy.drip and proxy.stopped.wait(proxy.drip):
                return
        if proxy.hangs:
            proxy.stopped.wait(30)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    proxy: "ConnectProxy"


class ConnectProxy:
    """The proxy; a context manager."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        #: The heads of all requests.
        self.asked: list[str] = []
        #: All that went through, in both directions.
        self.carried = b""
        self.faults: list[str] = []
        #: What every request that is in order is refused with; None: it is not.
        self.status: int | None = None
        #: What is said in the place of an answer, and then closed; None: what is right.
        self.says: bytes | None = None
        #: Seconds between two bytes of it.
        self.drip = 0.0
        #: Whether the connection is held open after it.
        self.hangs = False
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        password = "Secret%231%40proxy%2F%D0%BA%D0%BB%D1%8E%D1%87"
        return f"http://{NAME}:{password}@127.0.0.1:{self.port}"

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
