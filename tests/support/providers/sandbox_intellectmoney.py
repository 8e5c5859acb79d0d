"""IntellectMoney's stand-in, asked with plain `requests`: no client of ours takes part.

Time is handed to the server, so that what is queued is done between two requests.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count, groupby
from typing import Any

import requests
from lxml import etree

from tests.support.providers.sandbox import Clock
from tests.support.providers.silence import PATIENCE, closed, silences_told
from uprid_sandbox.background import background
from uprid_sandbox.options import SandboxOptions

DELAY = 5.0
LIFETIME = 60.0
LIMIT = 1_000_000
GET_USER_TOKEN = "user/getUserToken"
INVOICES = "payment/getInvoicesHistory"
WRITE = "scheduler/setScheduledOperationData"
LIST = "scheduler/getScheduledOperationData"
ACCEPT: dict[str, dict[str, str]] = {"xml": {}, "json": {"Accept": "text/json"}}
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
LISTS = {
    "InvoicesHistoryList",
    "HistoryList",
    "AdditionalInfo",
    "GetScheduledOperationData",
}
WORDS = {"0": "done", "1": "warned", "2": "unauthenticated"}
OPERATION = {
    "ObjectTypeVal": "1",
    "ParamsJson": '{"Amount": 15}',
    "RepeatPlan": "0 0 12 1 * ? *",
}


@dataclass
class Reply:
    """What came back: a word that sums it up, and the `Response` where there was one."""

    word: str
    content: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The records of a list."""
        result = self.content["Result"]
        rows: list[dict[str, Any]] = next(result[name] for name in result if name in LISTS)
        return rows


@dataclass
class Shop:
    """A running stand-in, its time, and a client of it."""

    address: str
    clock: Clock
    session: requests.Session
    options: SandboxOptions
    #: `xml` or `json`.
    language: str = "xml"
    token: str = ""
    fresh: Iterator[int] = field(default_factory=lambda: count(1))

    def eshop(self, number: int, invoices: int = 25) -> int:
        return invoices * 1_000 + number

    def target(self, number: int, operations: int = 0) -> int:
        """Return a fresh object."""
        return next(self.fresh) * 1_000_000 + operations * 1_000 + number

    def log_in(self, suffix: str = "") -> Reply:
        login = self.options.intellectmoney_login + suffix
        password = self.options.intellectmoney_password
        reply = self.send(GET_USER_TOKEN, {"Login": login, "Password": password})
        if reply.word in {"done", "warned"}:
            self.token = reply.content["Result"]["UserToken"]
        return reply

    def invoices(self, eshop_id: int, skip: int = 0, take: int = 10, **more: object) -> Reply:
        return self.ask(INVOICES, EshopId=eshop_id, Skip=skip, Take=take, **more)

    def write(self, object_id: int, **more: object) -> Reply:
        return self.ask(WRITE, ObjectId=object_id, **{**OPERATION, **more})

    def listed(self, object_id: int, **more: object) -> Reply:
        return self.ask(LIST, ObjectId=object_id, **more)

    def ask(self, path: str, /, **values: object) -> Reply:
        """Call a method with the UserToken; None leaves a value out."""
        sent = {"UserToken": self.token, **values}
        return self.send(path, {name: str(each) for name, each in sent.items() if each is not None})

    def send(
        self,
        path: str,
        values: Mapping[str, str] | bytes,
        headers: Mapping[str, str | bytes | None] | None = None,
    ) -> Reply:
        """Send a form, or bytes as they are; a header of None is left out."""
        said: dict[str, str | bytes | None] = {**ACCEPT[self.language], **(headers or {})}
        if isinstance(values, bytes):
            said = {"Content-Type": "application/x-www-form-urlencoded", **said}
        why = closed()
        try:
            answer = self.session.post(
                f"{self.address}/intellectmoney/{path}",
                data=values,
                headers=said,
                timeout=PATIENCE,
                allow_redirects=False,
                stream=True,
            )
            return read(answer)
        except requests.exceptions.ChunkedEncodingError:
            return Reply("cut")
        except requests.ConnectionError:
            return Reply(why())

    def admin(self, path: str, content: object) -> requests.Response:
        return self.session.post(f"{self.address}/_sandbox/{path}", json=content, timeout=PATIENCE)

    def calls(self) -> dict[str, Any]:
        answer = self.session.get(f"{self.address}/_sandbox/calls", timeout=PATIENCE)
        calls: dict[str, Any] = answer.json()["intellectmoney"]
        return calls

    def counted(self, subject: str) -> dict[str, Any]:
        counted: dict[str, Any] = self.calls()["subjects"][subject]
        return counted


def in_short(words: list[str]) -> str:
    """Say `2x page 502, done 10` for three words."""
    runs = [(word, len(list(run))) for word, run in groupby(words)]
    return ", ".join(word if times == 1 else f"{times}x {word}" for word, times in runs)


def read(answer: requests.Response) -> Reply:
    with answer:
        body = b""
        for chunk in answer.iter_content(65_536):
            body += chunk
            if len(body) > LIMIT:
                return Reply("huge")
            if not body.strip() and len(body) < 4:
                return Reply("dripping")
    headers = dict(answer.headers)
    if headers["Content-Type"].startswith("text/html"):
        return Reply(f"page {answer.status_code}", headers=headers)
    assert answer.status_code == 200
    try:
        content = from_xml(body) if "xml" in headers["Content-Type"] else from_json(body)
    except (ValueError, RecursionError, etree.XMLSyntaxError):
        return Reply("garbage", headers=headers)
    return Reply(word_of(content), content, headers)


def word_of(content: dict[str, Any]) -> str:
    state, result = content.get("OperationState"), content.get("Result")
    if state is None:
        return "no operation state"
    if str(state["Code"]) == "1":
        assert result is None
        return "queued" if "OperationId" in content else "queued without id"
    if str(state["Code"]) == "2":
        assert result is None
        return "failed"
    if str(state["Code"]) != "0":
        return f"operation {state['Code']}"
    if result is None:
        return "no result"
    word = WORDS.get(str(result["State"]["Code"]), f"request {result['State']['Code']}")
    written = result.get("SetScheduledOperationData")
    if written is not None:
        return f"{word} {str(written).lower()}"
    lists = [name for name in result if name in LISTS]
    return f"{word} {len(result[lists[0]])}" if lists else word


def from_json(body: bytes) -> dict[str, Any]:
    content = json.loads(body, parse_float=Decimal, object_pairs_hook=once)
    if not isinstance(content, dict) or content.keys().isdisjoint({"Result", "OperationState"}):
        raise ValueError
    return content


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def from_xml(body: bytes) -> dict[str, Any]:
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    if b"<!DOCTYPE" in body or root.tag != "Response":
        raise ValueError
    content = members(root)
    assert isinstance(content, dict)
    return content


def members(node: etree._Element) -> object:
    """Return an element as JSON has it, numbers as text."""
    if node.get(NIL) == "true":
        return None
    if node.tag in LISTS and not (node.text or "").strip():
        return [members(each) for each in node]
    if not len(node):
        return node.text or ""
    return once([(str(each.tag), members(each)) for each in node])


def signed(*values: object, key: str) -> str:
    """Return the `Sign` over values in the method's order."""
    return hashlib.sha256("::".join([*(str(each) for each in values), key]).encode()).hexdigest()


@contextmanager
def running_shop(language: str = "xml", **options: Any) -> Iterator[Shop]:
    """Serve the old API, where nothing else is chosen, and log in."""
    chosen = SandboxOptions(
        **{
            "delay": DELAY,
            "intellectmoney_bearer_token": None,
            "intellectmoney_sign_secret_key": None,
            "intellectmoney_token_lifetime": LIFETIME,
            **options,
        }
    )
    clock = Clock()
    with silences_told(), background(chosen, clock) as address, requests.Session() as session:
        shop = Shop(address, clock, session, chosen, language)
        if chosen.intellectmoney_sign_secret_key is None:
            shop.log_in()
        yield shop
