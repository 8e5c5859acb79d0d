"""A gateway before a provider that loses one request: it takes it, and never passes it on."""

import threading
from typing import Final

import requests

from tests.support.loopback.http_server import Answer, Asked, HttpServer

#: Seconds: for longer than any call waits.
_PATIENCE: Final = 120.0
#: Of the connection, not of the request or the reply.
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "host"})


class LossyGateway(HttpServer):
    """Passes everything on, but for the first request of a path: that waits for the second one.

    Once the provider has answered the second one, the first one's connection is closed.
    """

    def __init__(self, lost: str) -> None:
        """`lost` is the end of the path of which one request is lost."""
        super().__init__(self._pass_on_or_lose)
        #: The provider's base address.
        self.target = ""
        #: The body of the request that was lost.
        self.lost: bytes | None = None
        self._lost_path = lost
        self._losing = threading.Lock()
        self._let_go = threading.Event()

    def close(self) -> None:
        """Let go of what is still held, and end."""
        self._let_go.set()
        super().close()

    def _pass_on_or_lose(self, asked: Asked) -> Answer:
        is_watched = asked.path.endswith(self._lost_path)
        if is_watched and self._is_first(asked.body):
            self._let_go.wait(_PATIENCE)
            return Answer(cut=True)
        answer = self._passed_on(asked)
        if is_watched:
            self._let_go.set()
        return answer

    def _is_first(self, body: bytes) -> bool:
        with self._losing:
            is_first = self.lost is None
            self.lost = body if is_first else self.lost
            return is_first

    def _passed_on(self, asked: Asked) -> Answer:
        reply = requests.request(
            asked.method,
            self.target + asked.path,
            data=asked.body,
            headers={k: v for k, v in asked.headers.items() if k not in _HOP_BY_HOP},
            timeout=_PATIENCE,
            allow_redirects=False,
        )
        own = {*_HOP_BY_HOP, "content-length"}
        headers = {k: v for k, v in reply.headers.items() if k.lower() not in own}
        return Answer(reply.content, reply.status_code, headers)
