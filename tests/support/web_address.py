"""A marketplace's web application, as far as NPD knows it: an address that takes notifications."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, Self

from tests.support.marketplace import NOTIFICATION, Marketplace

Letter = dict[str, Any]

_NO_CONTENT: Final = 204


class _Server(ThreadingHTTPServer):
    #: NPD's stand-in sends each notification once: none may be lost in a crowd.
    request_queue_size = 128
    daemon_threads = False


class WebAddress:
    """Enqueues what it gets, as it came; what is held back, once it is let go."""

    def __init__(self, redis_url: str, key: str) -> None:
        # Not the test's: it is used in another thread.
        self._shop = Marketplace(redis_url, key)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._lock = Lock()
        self._held: set[str] = set()
        self._letters: dict[str, list[Letter]] = {}
        self._waiting: dict[str, list[Letter]] = {}

    @property
    def url(self) -> str:
        """Where notifications are to be sent."""
        return f"http://127.0.0.1:{self._server.server_port}/notifications"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._shop.__exit__(None, None, None)

    def hold(self, phone: str) -> None:
        """Keep back every SUCCESS about a phone."""
        with self._lock:
            self._held.add(phone)

    def let_go(self, phone: str) -> None:
        """Enqueue what was kept back, and all that comes from now on."""
        with self._lock:
            self._held.discard(phone)
            for letter in self._waiting.pop(phone, []):
                self._enqueue(letter)

    def letters(self, phone: str) -> list[Letter]:
        """Return what came about a phone, in its order."""
        with self._lock:
            return list(self._letters.get(phone, []))

    def deliver(self, letter: Letter) -> None:
        """Enqueue a notification that NPD never sent."""
        with self._lock:
            self._enqueue(letter)

    def take(self, body: bytes) -> None:
        """Take a notification."""
        letter: Letter = json.loads(body)
        phone = str(letter["userPhone"])
        with self._lock:
            self._letters.setdefault(phone, []).append(letter)
            if phone in self._held and letter["upridAsyncStatus"] == "SUCCESS":
                self._waiting.setdefault(phone, []).append(letter)
            else:
                self._enqueue(letter)

    def _enqueue(self, letter: Letter) -> None:
        self._shop.send(NOTIFICATION, "npd", sealed=self._shop.seal(letter))


def _handler(of: WebAddress) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            of.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(_NO_CONTENT)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: notifications name people."""

    return Handler
