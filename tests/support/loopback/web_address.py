"""A marketplace's web application, as far as NPD knows it: an address that takes notifications."""

import json
from threading import Lock
from typing import Any, Final

from tests.support.loopback.http_server import Answer, Asked, HttpServer
from tests.support.messages.marketplace import NOTIFICATION, Marketplace

Letter = dict[str, Any]

_NO_CONTENT: Final = 204


class WebAddress(HttpServer):
    """Enqueues what it gets, as it came; what is held back, once it is let go."""

    def __init__(self, redis_url: str, key: str) -> None:
        super().__init__(self._take)
        # Not the test's: it is used in another thread.
        self._shop = Marketplace(redis_url, key)
        self._taking = Lock()
        self._held: set[str] = set()
        self._letters: dict[str, list[Letter]] = {}
        self._waiting: dict[str, list[Letter]] = {}

    @property
    def url(self) -> str:
        """Where notifications are to be sent."""
        return f"{self.origin}/notifications"

    def close(self) -> None:
        """End, and leave the broker."""
        super().close()
        self._shop.__exit__(None, None, None)

    def hold(self, phone: str) -> None:
        """Keep back every SUCCESS about a phone."""
        with self._taking:
            self._held.add(phone)

    def let_go(self, phone: str) -> None:
        """Enqueue what was kept back, and all that comes from now on."""
        with self._taking:
            self._held.discard(phone)
            for letter in self._waiting.pop(phone, []):
                self._enqueue(letter)

    def letters(self, phone: str) -> list[Letter]:
        """Return what came about a phone, in its order."""
        with self._taking:
            return list(self._letters.get(phone, []))

    def deliver(self, letter: Letter) -> None:
        """Enqueue a notification that NPD never sent."""
        with self._taking:
            self._enqueue(letter)

    def _take(self, asked: Asked) -> Answer:
        letter: Letter = json.loads(asked.body)
        phone = str(letter["userPhone"])
        with self._taking:
            self._letters.setdefault(phone, []).append(letter)
            if phone in self._held and letter["upridAsyncStatus"] == "SUCCESS":
                self._waiting.setdefault(phone, []).append(letter)
            else:
                self._enqueue(letter)
        return Answer(status=_NO_CONTENT)

    def _enqueue(self, letter: Letter) -> None:
        self._shop.send(NOTIFICATION, "npd", sealed=self._shop.seal(letter))
