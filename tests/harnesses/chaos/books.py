"""Collect three records: the marketplace's, the database's and the stand-ins'."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

from tests.harnesses.chaos.cases import PEOPLE, Case
from tests.harnesses.chaos.fleet import Fleet
from tests.harnesses.chaos.ledger import Books, Finding, Kind, Row
from tests.harnesses.chaos.received_events import (
    LAST_WORDS,
    PublishedEvent,
    ReceivedEvents,
    published,
)
from tests.support.leaks.scan import Scanner, Secret, of_person
from tests.support.messages.marketplace import LATE, REFUSED, WAITING
from tests.support.messages.people import person
from uprid_client.names import Provider

#: Without the events of no operation: such an event may be stored after the last read.
_OUTBOX: Final = (
    "SELECT id, type, subject, data FROM outbox"
    " WHERE operation_id IS NOT NULL OR id = ANY(:received) ORDER BY seq"
)
_ROWS: Final = "SELECT reference, state, attempt, lease_token IS NOT NULL FROM operation"
#: The phone of every operation at NPD and Mandarin.
_PHONE: Final = re.compile(r"(?<!\d)7900\d{7}(?!\d)")


@dataclass(frozen=True, slots=True)
class _Stored:
    id: str
    type: str
    subject: str
    data: Mapping[str, Any]


def collect(fleet: Fleet, sent: Mapping[str, Case], received: ReceivedEvents) -> Books:
    """Read all three records."""
    return Books(
        sent=dict(sent),
        received=received.events,
        outbox=[published(event) for event in _outbox(fleet, received)],
        rows={
            reference: Row(state, attempt, is_leased=bool(leased))
            for reference, state, attempt, leased in fleet.rows(_ROWS)
        },
        calls=_calls(fleet),
    )


def ends(books: Books) -> Counter[str]:
    """Count how operations ended, by the type and reason of their last event."""
    last: dict[str, PublishedEvent] = {}
    for event in books.received:
        if event.type != LATE and event.is_operations:
            last[event.reference] = event
    return Counter(_end(event) for event in last.values() if event.type in LAST_WORDS)


def refusals(books: Books) -> Counter[str]:
    """Count refused messages by their reason."""
    return Counter(event.reason or "" for event in books.received if event.type == REFUSED)


def leaks(logs: Mapping[str, str]) -> Iterator[Finding]:
    """Find personal values in the logs."""
    secrets: dict[str, Secret] = {}
    for number in range(PEOPLE):
        secrets |= of_person(f"person {number}", person(number))
    scanner = Scanner(secrets)
    for name, log in logs.items():
        # Most lines differ in their ids and times alone.
        found = scanner.found("\n".join(_distinct(log.splitlines())))
        if _PHONE.search(log):
            found.add("a phone")
        if found:
            yield Finding(Kind.MISBEHAVED, name, f"its log holds {', '.join(sorted(found)[:5])}")


def _distinct(lines: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(lines)


def _end(event: PublishedEvent) -> str:
    word = event.type.rpartition(".")[2]
    return f"{word}: {event.reason}" if event.type == WAITING else word


def _outbox(fleet: Fleet, received: ReceivedEvents) -> Iterator[_Stored]:
    for event_id, kind, subject, data in fleet.rows(_OUTBOX, received=list(received.ids)):
        yield _Stored(event_id, kind, subject, json.loads(data))


def _calls(fleet: Fleet) -> dict[Provider, dict[str, Any]]:
    answer = requests.get(f"http://127.0.0.1:{fleet.sandbox_port}/_sandbox/calls", timeout=60)
    return {
        Provider(name): counted.get("subjects", counted.get("units"))
        for name, counted in answer.json().items()
    }
