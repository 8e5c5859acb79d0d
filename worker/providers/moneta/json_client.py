"""MONETA.MerchantAPI in JSON: one short method a request.

Every body holds the password: a body never reaches a log, an exception's text or a repr.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from worker.providers.http import PinnedSession, Reply
from worker.providers.moneta.asking import about_a_task, about_a_unit
from worker.providers.moneta.json_reader import read_json
from worker.providers.moneta.requests import start_request
from worker.providers.moneta.types import Fault, Profile, Task, Unlike

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

    def status(self, async_id: int) -> Task:
        """Ask how a task stands."""
        return about_a_task(self._ask(b"%s%d}}}}" % (self._poll, async_id)), read_json)

    def profile(self, unit_id: int) -> Fault | Profile | Unlike:
        """Ask what MONETA holds of a unit."""
        return about_a_unit(self._ask(b"%s%d}}}}" % (self._profile, unit_id)), read_json)

    def _ask(self, body: bytes) -> Reply:
        return self._session.poll(body, CONTENT_TYPE)


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
