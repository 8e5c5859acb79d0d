"""A strict HTTP proxy on loopback: it makes tunnels (CONNECT) for those who name themselves."""

import re
import selectors
import socket
import threading
from base64 import b64encode

from tests.support.loopback.server import LoopbackServer

_LINE = re.compile(r"CONNECT ([^ :/@]+|\[[0-9a-f:]+\]):([0-9]+) HTTP/1\.1\r\n")
NAME, PASSWORD = "worker", "Secret#1@proxy/ключ"


class ConnectProxy(LoopbackServer):
    """Carries what is sent through a tunnel, and keeps a copy."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._keeping = threading.Lock()
        #: The heads of all requests.
        self.asked: list[str] = []
        #: All that went through, in both directions.
        self.carried = b""
        #: What every request that is in order is refused with; None: it is not.
        self.status: int | None = None
        #: What is said in the place of an answer, and then closed; None: what is right.
        self.says: bytes | None = None
        #: Seconds between two bytes of it.
        self.drip = 0.0
        #: Whether the connection is held open after it.
        self.hangs = False

    @property
    def url(self) -> str:
        password = "Secret%231%40proxy%2F%D0%BA%D0%BB%D1%8E%D1%87"
        return f"http://{NAME}:{password}@127.0.0.1:{self.port}"

    def _answer(self, wire: socket.socket) -> None:
        head = _head(wire)
        with self._keeping:
            self.asked.append(head)
        if self.says is not None:
            self._say(wire, self.says)
            return
        asked = _asked(head)
        status = 407 if not _names_itself(head) else self.status
        if status is not None:
            wire.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        self._carry(wire, asked)

    def _carry(self, wire: socket.socket, address: tuple[str, int]) -> None:
        try:
            host = socket.create_connection(address, 5)
        except OSError:
            wire.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        wire.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with host, selectors.DefaultSelector() as selector:
            selector.register(wire, selectors.EVENT_READ, host)
            selector.register(host, selectors.EVENT_READ, wire)
            while True:
                for ready, _ in selector.select():
                    piece = ready.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not piece:
                        return
                    with self._keeping:
                        self.carried += piece
                    ready.data.sendall(piece)

    def _say(self, wire: socket.socket, words: bytes) -> None:
        for byte in words:
            wire.sendall(bytes([byte]))
            if self.drip and self.stopped.wait(self.drip):
                return
        if self.hangs:
            self.stopped.wait(30)


def _head(wire: socket.socket) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = wire.recv(1)
        if not more:
            raise ConnectionError
        head += more
    return head.decode("ascii")


def _headers(head: str) -> dict[str, str]:
    _, *headers = head.removesuffix("\r\n\r\n").split("\r\n")
    return dict(header.split(": ", 1) for header in headers)


def _asked(head: str) -> tuple[str, int]:
    """Return the host and port that a tunnel is asked to."""
    asked = _LINE.match(head)
    assert asked is not None, f"not a CONNECT: {head}"
    assert _headers(head).get("Host") == f"{asked[1]}:{asked[2]}"
    return asked[1].strip("[]"), int(asked[2])


def _names_itself(head: str) -> bool:
    expected = b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    return _headers(head).get("Proxy-Authorization") == f"Basic {expected}"
