"""MONETA.MerchantAPI in JSON: one short method a request.

Every body holds the password: a body never reaches a log, an exception's text or a repr.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from worker.providers.moneta.replies import about_a_task, about_a_unit, read_json
from worker.providers.moneta.requests import start_request
from worker.providers.moneta.types import Holding, Task
from worker.providers.transport.http import PinnedSession, Reply
from worker.providers.transport.tying import tied

T = TypeVar("T")
CONTENT_TYPE: Final = "application/json;charset=UTF-8"


class JsonClient:
    """Asks MONETA in JSON. Every method raises `CallFailed` where no usable reply came."""

    def __init__(
        self, session: PinnedSession, username: str, password: str, callback_url: str | None
    ) -> None:
        self._session = session
        self._callback_url = callback_url
        token = _dumped({"Username": username, "Password": password})
        # The credentials are rendered once; a poll then costs one concatenation.
        self._head = b'{"Envelope":{"Header":{"Security":{"UsernameToken":' + token + b'}},"Body":'
        self._poll = self._head + b'{"AsyncRequest":{"asyncId":'
        self._profile = self._head + b'{"GetProfileInfoRequest":{"unitId":'

    def submit(self, unit_id: int, payload: Mapping[str, Any] | None) -> Task:
        """Start an identification; without a payload of the unit's stored data."""
        asked = {"AsyncRequest": start_request(unit_id, payload, self._callback_url)}
        return about_a_task(
            self._session.exchange(self._head + _dumped(asked) + b"}}", CONTENT_TYPE), read_json
        )

    def status(self, async_id: int, is_tied: Callable[[Task], bool]) -> tuple[Task, int]:
        """Ask how a task stands."""
        asked = b"%s%d}}}}" % (self._poll, async_id)
        return self._ask(asked, lambda reply: about_a_task(reply, read_json), is_tied)

    def profile(self, unit_id: int, is_tied: Callable[[Holding], bool]) -> tuple[Holding, int]:
        """Ask what MONETA holds of a unit."""
        asked = b"%s%d}}}}" % (self._profile, unit_id)
        return self._ask(asked, lambda reply: about_a_unit(reply, read_json), is_tied)

    def _ask(
        self, body: bytes, read: Callable[[Reply], T], is_tied: Callable[[T], bool]
    ) -> tuple[T, int]:
        return tied(
            lambda: self._session.poll(body, CONTENT_TYPE),
            lambda: self._session.exchange(body, CONTENT_TYPE),
            read,
            is_tied,
        )


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
