"""MONETA.MerchantAPI in JSON: one short method a request.

Every body holds the password: a body never reaches a log, an exception's text or a repr.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from worker.errors import ReplyUnreadable
from worker.providers.failures import bad_status
from worker.providers.http import PinnedSession, Reply
from worker.providers.moneta.replies import read_reply
from worker.providers.moneta.types import (
    Content,
    Fault,
    Profile,
    Result,
    Ticket,
    Unlike,
)

#: What is answered about a task.
Task = Fault | Ticket | Result | Unlike

CONTENT_TYPE: Final = "application/json;charset=UTF-8"
#: The passport's keys as they are sent; MONETA returns them in lower case.
_DOCUMENT_KEYS: Final = ("series", "number", "issuer", "issued", "department")
_PROFILE_KEYS: Final = (
    "first_name",
    "last_name",
    "middle_initial_name",
    "cell_phone",
    "date_of_birth",
    "snils",
    "inn",
)


class MonetaClient:
    """Asks MONETA. Every method raises `CallFailed` where no usable reply came."""

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
        asked: dict[str, Any] = {
            "SimplifiedIdentificationRequest": identification_request(unit_id, payload)
        }
        if self._callback_url is not None:
            asked["callbackUrl"] = self._callback_url
        body = self._head + _dumped({"AsyncRequest": asked}) + b"}}"
        return _about_a_task(self._ask(body))

    def status(self, async_id: int) -> Task:
        """Ask how a task stands."""
        return _about_a_task(self._ask(self._poll + str(async_id).encode() + b"}}}}"))

    def profile(self, unit_id: int) -> Fault | Profile | Unlike:
        """Ask what MONETA holds of a unit."""
        content = self._ask(self._profile + str(unit_id).encode() + b"}}}}")
        if isinstance(content, Ticket | Result):
            return _misplaced(content)
        return content

    def _ask(self, body: bytes) -> Content:
        """Send a body and read the reply, the body before the status: a fault comes with 400."""
        reply = self._session.exchange(body, CONTENT_TYPE)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise bad_status(reply.status, reply.retry_after)
        try:
            content = read_reply(reply.body)
        except ReplyUnreadable:
            _refuse_failure(reply)
            raise
        if not isinstance(content, Fault):
            _refuse_failure(reply)
        return content


def identification_request(unit_id: int, payload: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a `SimplifiedIdentificationRequest`, its members in the schema's order.

    `unitId` is always there: without it MONETA identifies the API's own user.
    """
    request: dict[str, Any] = {"unitId": unit_id}
    if payload is not None:
        document = payload["document"]
        passport: dict[str, Any] = {} if document.get("id") is None else {"id": document["id"]}
        passport["type"] = "PASSPORT"
        passport["attribute"] = [
            {"key": key.upper(), "value": document[key]}
            for key in _DOCUMENT_KEYS
            if document.get(key) is not None
        ]
        request["personalInformation"] = {
            "profile": {"attribute": _profile_attributes(payload["profile"])},
            "document": passport,
        }
    return request


def _profile_attributes(profile: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"key": key, "value": _snils(profile[key]) if key == "snils" else profile[key]}
        for key in _PROFILE_KEYS
        if profile.get(key) is not None
    ]


def _snils(digits: str) -> str:
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _refuse_failure(reply: Reply) -> None:
    if reply.status != HTTPStatus.OK:
        raise bad_status(reply.status, reply.retry_after) from None


def _about_a_task(content: Content) -> Task:
    return _misplaced(content) if isinstance(content, Profile) else content


def _misplaced(content: Ticket | Result | Profile) -> Unlike:
    return Unlike("the answer to another question", content.answer)
