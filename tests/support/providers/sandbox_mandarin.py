"""Mandarin's requests for the sandbox, signed by hand: no client of ours is asked to make them."""

import hashlib
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests

from tests.support.providers.sandbox import Clock
from tests.support.providers.sandbox_plain import SandboxReply, ask
from tests.support.providers.silence import PATIENCE
from uprid_sandbox.options import SandboxOptions

PATH = "/mandarin/api/personidentification"
JSON = {"Content-Type": "application/json"}
OPTIONS = SandboxOptions()
_REQUEST_IDS = count(1_700_000_000_000)
_MARKS = {None: "-", True: "yes", False: "no"}


def signed(
    request_id: str | None = None,
    merchant_id: str = OPTIONS.mandarin_merchant_id,
    secret: str = OPTIONS.mandarin_secret,
) -> dict[str, str]:
    """Return the `X-Auth` header, of a fresh request where none is named."""
    request_id = request_id or str(next(_REQUEST_IDS))
    digest = hashlib.sha256(f"{merchant_id}-{request_id}-{secret}".encode()).hexdigest()
    return {"X-Auth": f"{merchant_id}-{digest}-{request_id}"}


def person(phone: str | None, **changed: Any) -> dict[str, Any]:
    """Return the body of a POST, by SNILS; None drops a member."""
    members = {
        "firstName": "Пример",
        "patronymic": "Тестович",
        "lastName": "Образцов",
        "passportSeries": "0001",
        "passportNumber": "000002",
        "snils": "11223344595",
        "phone": phone,
        **changed,
    }
    return {name: value for name, value in members.items() if value is not None}


@dataclass
class Mandarin:
    """The stand-in and its time."""

    address: str
    session: requests.Session
    clock: Clock
    phones: Any = field(default_factory=lambda: count(901_000))

    def phone(self, number: int) -> str:
        """Return a fresh phone of this scenario."""
        return f"+79{next(self.phones):06}{number:03}"

    def post(self, content: object) -> SandboxReply:
        return self.send("POST", "", json.dumps(content).encode())

    def put(self, session_id: str, code: str) -> SandboxReply:
        return self.send("PUT", session_id, json.dumps({"smsCode": code}).encode())

    def get(self, session_id: str) -> SandboxReply:
        return self.send("GET", session_id)

    def send(
        self,
        method: str,
        session_id: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> SandboxReply:
        url = f"{self.address}{PATH}{session_id and '/'}{session_id}"
        given = signed() | (JSON if body else {}) | (headers or {})
        return ask(self.session, method, url, data=body, headers=given)

    def begun(self, number: int) -> tuple[str, str]:
        """Begin a session of a scenario; return its id and the right code."""
        phone = self.phone(number)
        return self.post(person(phone)).content["id"], phone[-4:]

    def calls(self) -> dict[str, Any]:
        answer = self.session.get(f"{self.address}/_sandbox/calls", timeout=PATIENCE)
        calls: dict[str, Any] = answer.json()["mandarin"]
        return calls


def status_word(heard: SandboxReply) -> str:
    """Say `yes/-…` for a person who is verified and a phone that waits for its code."""
    if heard.word != "200":
        return heard.word
    return "/".join(_part(heard.content, name) for name in ("person", "phone"))


def _part(status: dict[str, Any], name: str) -> str:
    verified, finished = status.get(f"{name}Verified", "?"), status[f"{name}VerificationFinished"]
    mark = _MARKS[verified] if verified is None or verified is True or verified is False else None
    return f"{mark or repr(verified)}{'' if finished is True else '…'}"
