"""A running sandbox, asked with plain `requests`: no client of ours takes part.

Time is handed to the server, so that a task ends and expires between two requests.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import requests
from lxml import etree

from tests.support.providers.sandbox_requests import (
    JSON_TYPE,
    Members,
    encoded,
    personal_information,
    submit,
)
from tests.support.providers.sandbox_soap import SOAP_TYPE, as_members, as_soap
from tests.support.providers.silence import PATIENCE, closed, silences_told
from uprid_sandbox.background import background
from uprid_sandbox.options import SandboxOptions

DELAY = 5.0
TIMEOUT = 60.0
GROUPS = {"101": "anonymous", "102": "simplified", "103": "full"}


@dataclass
class Clock:
    """A clock that goes on only when a test moves it."""

    now: datetime = datetime(2031, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Transport:
    """One of MONETA's two languages. Members are those of JSON in both."""

    name: str
    content_type: str
    encode: Callable[[Members], bytes]
    #: Returns the body's members; raises where there is no envelope.
    decode: Callable[[bytes], Members]
    #: The HTTP status of a fault.
    fault_status: int


JSON = Transport(
    "json", JSON_TYPE, encoded, lambda answer: json.loads(answer)["Envelope"]["Body"], 400
)
SOAP = Transport("soap", SOAP_TYPE, as_soap, as_members, 500)
TRANSPORTS = {each.name: each for each in (JSON, SOAP)}


@dataclass
class Reply:
    """What came back: a word that sums it up, and the members where there were some."""

    word: str
    content: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Sandbox:
    """A running sandbox and its time."""

    address: str
    clock: Clock
    session: requests.Session
    transport: Transport = JSON
    #: Seconds after which a stand-in of another process, which tells nothing of it, hangs.
    patience: float = PATIENCE
    units: Iterator[int] = field(default_factory=lambda: count(1_000_000, 1_000))

    def unit(self, number: int) -> int:
        """Return a fresh unit of this scenario."""
        return next(self.units) + number

    def ask(self, content: Members) -> Reply:
        return self.send(self.transport.encode(content))

    def send(self, body: bytes, content_type: str | None = None) -> Reply:
        why = closed()
        try:
            answer = self.session.post(
                f"{self.address}/moneta/services",
                data=body,
                headers={"Content-Type": content_type or self.transport.content_type},
                timeout=self.patience,
                allow_redirects=False,
                stream=True,
            )
            return read(answer, self.transport, limit=1_000_000)
        except requests.Timeout:
            return Reply("hung")
        except requests.exceptions.ChunkedEncodingError:
            return Reply("cut")
        except requests.ConnectionError:
            return Reply(why())

    def admin(self, path: str, content: object) -> requests.Response:
        return self.session.post(f"{self.address}/_sandbox/{path}", json=content, timeout=PATIENCE)

    def calls(self) -> dict[str, Any]:
        answer = self.session.get(f"{self.address}/_sandbox/calls", timeout=PATIENCE)
        calls: dict[str, Any] = answer.json()["moneta"]
        return calls

    def async_id(self, number: int) -> int:
        """Submit for a fresh unit of a scenario and return the task's id."""
        content = self.ask(submit(self.unit(number), personal_information())).content
        async_id: int = content["AsyncResponse"]["asyncId"]
        return async_id


def read(answer: requests.Response, transport: Transport, limit: int) -> Reply:
    with answer:
        read_so_far = b""
        for chunk in answer.iter_content(65_536):
            read_so_far += chunk
            if len(read_so_far) > limit:
                return Reply("huge")
            if not read_so_far.strip() and len(read_so_far) < 4:
                return Reply("dripping")
    headers = dict(answer.headers)
    if headers["Content-Type"] != transport.content_type:
        return Reply(f"page {answer.status_code}", headers=headers)
    try:
        body = transport.decode(read_so_far)
    except (ValueError, KeyError, RecursionError, etree.XMLSyntaxError):
        return Reply("garbage")
    return Reply(summary(body, answer.status_code, transport.fault_status), body, headers)


def summary(body: Members, status: int, fault_status: int) -> str:
    [(name, content)] = body.items()
    if name in {"fault", "Fault"}:
        assert status == fault_status
        extra = "" if len(content["detail"]) < 2 else " wordy"
        return f"{name} {content['detail'].get('faultDetail')}{extra}"
    assert status == 200
    if name == "GetProfileInfoResponse":
        values = {each["key"]: each["value"] for each in content["attribute"]}
        group = values.get("parentid")
        return "no group" if group is None else GROUPS.get(group, "unknown group")
    result = content.get("SimplifiedIdentificationResponse")
    if result is None:
        return "".join(
            [
                content["asyncStatus"],
                "" if "expirationDate" in content else " undated",
                "" if "asyncId" in content else " without id",
            ]
        )
    code = f" {result['errorCode'] or 'empty'}" if "errorCode" in result else ""
    return f"success={result.get('success', 'missing')!r}{code}"


@contextmanager
def running_sandbox(transport: Transport = JSON) -> Iterator[Sandbox]:
    """Serve a sandbox whose time stands still, to be asked in a language."""
    clock = Clock()
    options = SandboxOptions(delay=DELAY, task_timeout=TIMEOUT)
    with silences_told(), background(options, clock) as address, requests.Session() as session:
        yield Sandbox(address, clock, session, transport)
