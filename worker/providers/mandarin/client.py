"""Mandarin's identification: one short method a request.

Bodies hold the person's data and codes: they never reach a log, an exception's text or a repr.
"""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar
from uuid import uuid4

from pydantic import BaseModel, SecretStr, ValidationError

from worker.domain.errors import ReplyUnreadable
from worker.providers.mandarin.types import (
    Check,
    ErrorReply,
    InvalidRequest,
    Session,
    SessionReply,
    Status,
    StatusReply,
    Unlike,
)
from worker.providers.transport.failures import bad_status
from worker.providers.transport.http import PinnedSession, Reply
from worker.providers.transport.strict_json import NamedTwice, NotJson, parse_json
from worker.providers.transport.tying import tied

#: A guess: what is sent as the `patronymic` of a person without one. Page 004 requires it, and its
#: own example leaves empty what is required and not there (`snils`).
NO_PATRONYMIC: Final = ""

_PATH: Final = "/api/personidentification"
_JSON: Final = "application/json"
_READ: Final = frozenset({HTTPStatus.OK, HTTPStatus.BAD_REQUEST})

_Shape = TypeVar("_Shape", bound=BaseModel)


def x_auth(merchant_id: str, secret: str, request_id: str) -> str:
    """Return the header that proves who asks; neither the body nor the path is signed.

    `{merchantId}-{sha256hex(merchantId-requestId-secret)}-{requestId}`, seen in Mandarin's general
    documentation. A request id holds no dash and is used once.
    """
    signed = f"{merchant_id}-{request_id}-{secret}".encode()
    return f"{merchant_id}-{hashlib.sha256(signed).hexdigest()}-{request_id}"


class MandarinClient:
    """Asks Mandarin. Every method raises `CallFailed` where no usable reply came."""

    def __init__(self, session: PinnedSession, merchant_id: str, secret: SecretStr) -> None:
        self._session = session
        self._merchant_id = merchant_id
        self._secret = secret

    def create(self, person: Mapping[str, Any]) -> Session | InvalidRequest | Unlike:
        """Start a session, which is billed and sends an SMS. There is no idempotency key."""
        return _session(self._send("POST", _PATH, _request(person)))

    def send_code(self, session_id: str, code: str) -> Session | InvalidRequest | Unlike:
        """Hand over an SMS code: one of five attempts."""
        return _session(self._send("PUT", f"{_PATH}/{session_id}", {"smsCode": code}))

    def status(self, session_id: str) -> tuple[Status | InvalidRequest | Unlike, int]:
        """Ask how a session stands, and say in how many questions."""
        path = f"{_PATH}/{session_id}"
        return tied(
            lambda: self._session.poll_at(path, self._headers()),
            lambda: self._session.exchange_at("GET", path, headers=self._headers()),
            _status,
            lambda found: isinstance(found, Status) and found.id == session_id,
        )

    def unknown(self) -> Reply:
        """Ask for a session with an id that does not exist, and return the reply as it came."""
        return self._session.poll_at(f"{_PATH}/{uuid4()}", self._headers())

    def _send(self, method: str, path: str, asked: Mapping[str, str]) -> Reply:
        body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()
        return self._session.exchange_at(method, path, body, _JSON, self._headers())

    def _headers(self) -> Mapping[str, str]:
        # The session repeats nothing by itself, so that this is one id for one HTTP attempt.
        secret = self._secret.get_secret_value()
        return {"X-Auth": x_auth(self._merchant_id, secret, uuid4().hex)}


def _request(person: Mapping[str, Any]) -> dict[str, str]:
    """Return the body of a start.

    Exactly one of SNILS and INN is sent: with both, whichever check finishes first wins. With the
    INN `snils` stands empty, as page 004 shows.
    """
    asked = {
        "firstName": person["first_name"],
        "patronymic": person["patronymic"] or NO_PATRONYMIC,
        "lastName": person["last_name"],
        "passportSeries": person["passport_series"],
        "passportNumber": person["passport_number"],
        "snils": person.get("snils", ""),
    }
    if not asked["snils"]:
        asked["inn"] = person["inn"]
    return {**asked, "phone": f"+{person['phone']}"}


def _session(reply: Reply) -> Session | InvalidRequest | Unlike:
    content = _content(reply, SessionReply)
    return Session(content.id, reply.body) if isinstance(content, SessionReply) else content


def _status(reply: Reply) -> Status | InvalidRequest | Unlike:
    content = _content(reply, StatusReply)
    if not isinstance(content, StatusReply):
        return content
    person = Check(content.person_verification_finished, content.person_verified)
    phone = Check(content.phone_verification_finished, content.phone_verified)
    return Status(content.id, person, phone, reply.body)


def _content(reply: Reply, shape: type[_Shape]) -> _Shape | InvalidRequest | Unlike:
    """Read a reply: only 200 and a 400 in JSON are Mandarin's, all else is transport."""
    if reply.status not in _READ:
        raise bad_status(reply.status, reply.retry_after)
    try:
        document = parse_json(reply.body)
    except NamedTwice:
        return Unlike("a name is given twice", reply.body)
    except NotJson:
        if reply.status == HTTPStatus.OK:
            raise ReplyUnreadable from None
        raise bad_status(reply.status, reply.retry_after) from None
    if reply.status == HTTPStatus.OK:
        return _shaped(shape, document) or Unlike("not the answer to this request", reply.body)
    if _shaped(ErrorReply, document) is None:
        return Unlike("http 400 without an error alone", reply.body)
    return InvalidRequest(reply.body)


def _shaped(shape: type[_Shape], document: object) -> _Shape | None:
    try:
        return shape.model_validate(document)
    except ValidationError:
        return None
