"""The marketplace's web application, where NPD's stand-in calls: a postbox, on loopback only."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self

from worker.local.loopback import HOST

Notification = Mapping[str, Any]

#: Bytes; a notification has a few hundred.
_LARGEST: Final = 10_000


class WebApp:
    """Takes every notification and answers at once; a context manager."""

    def __init__(self) -> None:
        posted: SimpleQueue[Notification] = SimpleQueue()

        class Handler(_NotificationHandler):
            box = posted

        self._posted = posted
        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        """Where notifications go."""
        return f"http://{HOST}:{self._server.server_port}/npd"

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

    def taken(self) -> list[Notification]:
        """Return what has come since the last time."""
        found = []
        try:
            while True:
                found.append(self._posted.get_nowait())
        except Empty:
            return found


class _NotificationHandler(BaseHTTPRequestHandler):
    box: SimpleQueue[Notification]

    def do_POST(self) -> None:
        """Keep a notification."""
        length = min(int(self.headers.get("Content-Length", 0)), _LARGEST)
        self.box.put(json.loads(self.rfile.read(length)))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Print nothing: standard error is for what is wrong."""
