"""Messages that have to be refused, and the sending of them."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet

from tests.support.messages.marketplace import Event, Marketplace
from tests.support.processes.system import System

Arguments = dict[str, Any]
#: What makes a message's arguments; references are given by the test.
Make = Callable[[Marketplace], Arguments]


@dataclass(frozen=True)
class Bad:
    """A message that has to be refused."""

    id: str
    make: Make
    #: Exactly these are named.
    fields: set[str]
    task: str
    args: tuple[object, ...] = ()
    #: Given in the place of one made by the test; "" leaves it out.
    reference: object = None

    @property
    def queue(self) -> str:
        """The task's queue: its module's name."""
        return self.task.split(".")[1]


def plain(**arguments: object) -> Make:
    """Make a message of arguments in clear."""
    return lambda _: arguments


def sealing(payload: object, **arguments: object) -> Make:
    """Make a message with a token over JSON."""
    return lambda shop: {**arguments, "sealed": shop.seal(payload)}


def sealing_bytes(content: bytes, **arguments: object) -> Make:
    """Make a message with a token over anything."""
    return lambda shop: {**arguments, "sealed": shop.seal_bytes(content)}


def foreign(payload: object, **arguments: object) -> Make:
    """Make a message with a token that none of our keys opens."""
    token = Fernet(Fernet.generate_key()).encrypt(json.dumps(payload).encode()).decode()
    return lambda _: {**arguments, "sealed": token}


def spoilt(payload: object, **arguments: object) -> Make:
    """Make a message with a token that was damaged on its way."""
    return lambda shop: {**arguments, "sealed": shop.seal(payload)[:-8] + "AAAAAAA="}


def send(shop: Marketplace, bad: Bad, message_id: str | None = None) -> str:
    """Send a bad message and return its id."""
    arguments = bad.make(shop)
    if bad.reference != "":
        reference = f"bad-{bad.id}" if bad.reference is None else bad.reference
        arguments = {"reference": reference, **arguments}
    return shop.send(bad.task, bad.queue, args=bad.args, message_id=message_id, **arguments)


def send_twice(shop: Marketplace, bads: Iterable[Bad]) -> dict[str, str]:
    """Send every message, and once more under the same id; return those ids by the bads'."""
    many = list(bads)
    sent = {bad.id: send(shop, bad) for bad in many}
    for bad in many:
        send(shop, bad, sent[bad.id])
    return sent


def sizes(whole: System, tables: Iterable[str]) -> dict[str, int]:
    """Return how many rows each table has."""
    return {table: whole.count(f"SELECT COUNT(*) FROM {table}") for table in tables}  # noqa: S608


def assert_refused(shop: Marketplace, bad: Bad, message_id: str) -> None:
    """Check that a message was refused once, naming its fields."""
    shop.wait_for_refusal(message_id, timeout=30)
    [refusal] = shop.refusals()[message_id]
    data = refusal.data
    assert set(data["fields"]) == bad.fields
    assert len(data["fields"]) == len(bad.fields)
    assert data["task"] == bad.task
    assert data["message_id"] == message_id
    for name in bad.fields - {"(positional)", "(unnamed)"}:
        assert name in data["reason"]["message"]


def said_of(refusal: Event) -> str:
    """Return all that a refusal says, but for the message's id: drawn by chance, it may hold the
    digits of any short value.
    """
    said = {name: value for name, value in refusal.data.items() if name != "message_id"}
    return json.dumps(said, ensure_ascii=False)
