"""Requests of the API for the self-employed, signed by hand: no client of ours makes them."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from tests.support.providers.sandbox import Sandbox
from tests.support.providers.sandbox_plain import SandboxReply, ask
from tests.support.providers.sandbox_requests import profile_check
from tests.support.providers.silence import PATIENCE
from uprid_sandbox.options import SandboxOptions

OPTIONS = SandboxOptions()
FORM = "application/x-www-form-urlencoded"
PROFILE, DOCUMENT, START = "updatemonetaprofile", "updateuserdoc", "startuprid"

Values = dict[str, str]


def values(method: str, phone: str) -> Values:
    """Return every parameter that a method takes, but `key` and `signature`."""
    profile = {
        "bd": "1990-01-31",
        "firstname": "Пример",
        "lastname": "Образцов",
        "middlename": "Тестович",
        "snils": "112-233-445 95",
    }
    document = {
        "docseries": "0001",
        "docnumber": "000002",
        "docissuer": "Отдел",
        "docissued": "2010-02-28",
        "docdepartment": "000-001",
    }
    return {PROFILE: profile, DOCUMENT: document, START: {}}[method] | {"phone": phone}


def signature(sent: Values, names: list[str] | None = None) -> str:
    """Return md5 over the values, by the rule where no names are given."""
    signed = sorted(sent) if names is None else names
    text = "".join(sent[name] for name in signed) + OPTIONS.npd_secret_key
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def signed(sent: Values) -> Values:
    return {**sent, "key": OPTIONS.npd_security_key, "signature": signature(sent)}


@dataclass
class Npd:
    """The stand-in, and MONETA's beside it."""

    sandbox: Sandbox
    phones: Iterator[int] = field(default_factory=lambda: count(902_000))

    def phone(self, number: int) -> str:
        """Return a fresh phone of this scenario."""
        return f"79{next(self.phones):06}{number:03}"

    def call(self, method: str, phone: str) -> SandboxReply:
        return self.send(method, signed(values(method, phone)))

    def send(self, method: str, sent: Values) -> SandboxReply:
        return self.send_body(method, urlencode(sent).encode())

    def send_body(self, method: str, body: bytes, content_type: str = FORM) -> SandboxReply:
        url = f"{self.sandbox.address}/npd/{method}"
        headers = {"Content-Type": content_type}
        return ask(self.sandbox.session, "POST", url, data=body, headers=headers)

    def prepared(self, number: int) -> tuple[str, int]:
        """Take both first steps; return the phone and its unit."""
        phone = self.phone(number)
        assert self.call(PROFILE, phone).content == {"updated": True}
        return phone, int(self.call(DOCUMENT, phone).content["unitId"])

    def group(self, unit_id: int) -> str:
        """Return where MONETA has a unit."""
        return self.sandbox.ask(profile_check(unit_id)).word

    def notifications(self) -> list[dict[str, Any]]:
        url = f"{self.sandbox.address}/_sandbox/notifications"
        listed: list[dict[str, Any]] = self.sandbox.session.get(url, timeout=PATIENCE).json()["npd"]
        return listed

    def due(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Return the notifications whose moment has come, those that are wanted."""
        return [each["body"] for each in self.notifications() if each["due"] and wanted(each)]

    def calls(self) -> dict[str, Any]:
        answer = self.sandbox.session.get(
            f"{self.sandbox.address}/_sandbox/calls", timeout=PATIENCE
        )
        calls: dict[str, Any] = answer.json()["npd"]
        return calls
