"""The ledger compares what was sent, published, stored and billed with the promises. It is pure.

It has three records: the stream as the marketplace read it, the database, and the stand-ins'
counters. Every contradiction between them is a finding.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tests.harnesses.chaos.cases import Case
from tests.harnesses.chaos.received_events import LAST_WORDS, PublishedEvent
from tests.support.messages.marketplace import ACCEPTED, LATE, WAITING
from uprid_client.contract.states import State
from uprid_client.names import Provider

#: Reasons to wait that the faults explain: the submit may have been made.
EXPLAINED: Final = frozenset({"doubtful_submit"})
#: SMS codes that a session of Mandarin takes.
_CODES: Final = 5


class Kind(StrEnum):
    """Kinds of findings."""

    #: Accepted, but there is no event of an end or of a wait.
    LOST = "lost"
    #: Two terminal events of one attempt.
    DOUBLED = "doubled"
    #: A billed call, or a call with an effect, was made twice.
    REPEATED = "repeated"
    #: Sent several times and never accepted.
    NEVER_TAKEN = "never taken"
    #: Events out of order, or with a gap.
    DISORDERED = "disordered"
    #: The stream and the outbox do not agree.
    UNTOLD = "untold"
    #: The answer to another operation.
    FOREIGN = "foreign answer"
    #: An end that the provider did not state.
    WRONG_END = "wrong end"
    #: It waits for an engineer for a reason that the faults do not explain.
    UNEXPLAINED = "unexplained"
    #: Still leased, or in another state than its last event says.
    UNSETTLED = "unsettled"
    #: A failure of the processes, the servers or the harness itself.
    MISBEHAVED = "misbehaved"


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction."""

    kind: Kind
    #: A reference, or the name of a process.
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Row:
    """An operation as it is stored."""

    state: str
    attempt: int
    is_leased: bool = False


@dataclass(frozen=True, slots=True)
class Books:
    """The three records."""

    sent: Mapping[str, Case]
    #: Every event once, in the order of the first deliveries.
    received: Sequence[PublishedEvent]
    #: Every event of the outbox, by `seq`.
    outbox: Sequence[PublishedEvent]
    rows: Mapping[str, Row]
    #: The stand-ins' counters, by provider and subject.
    calls: Mapping[Provider, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)


def audit(books: Books) -> list[Finding]:
    """Return all findings."""
    published: dict[str, list[PublishedEvent]] = {}
    for event in books.received:
        if event.is_operations:
            published.setdefault(event.reference, []).append(event)
    findings = [
        *_audited_outbox(books),
        *(found for each in books.sent.values() for found in _audited(each, published, books)),
    ]
    strangers = books.rows.keys() - books.sent.keys()
    findings += [Finding(Kind.UNTOLD, each, "was never enqueued") for each in sorted(strangers)]
    return findings


def _audited(
    case: Case, published: Mapping[str, list[PublishedEvent]], books: Books
) -> Iterator[Finding]:
    events = published.get(case.reference, [])
    row = books.rows.get(case.reference)
    if row is None:
        yield Finding(Kind.NEVER_TAKEN, case.reference, f"{len(events)} events, no row")
        return
    yield from _order(case, events)
    yield from _ends(case, events)
    yield from _end(case, events, row)
    yield from _billed(case, row, books.calls.get(case.provider, {}))
    yield from _foreign(case, events, books.calls.get(case.provider, {}))


def _order(case: Case, events: Sequence[PublishedEvent]) -> Iterator[Finding]:
    sequence = [event.sequence for event in events]
    if sequence != list(range(1, len(events) + 1)):
        yield Finding(Kind.DISORDERED, case.reference, f"sequence {sequence}")
    if events and events[0].type != ACCEPTED:
        yield Finding(Kind.DISORDERED, case.reference, f"begins with {events[0].type}")


def _ends(case: Case, events: Sequence[PublishedEvent]) -> Iterator[Finding]:
    ends = Counter(event.attempt for event in events if event.is_end)
    for attempt, count in ends.items():
        if count > 1:
            published = [
                event.type for event in events if event.attempt == attempt and event.is_end
            ]
            yield Finding(Kind.DOUBLED, case.reference, f"attempt {attempt}: {published}")


def _end(case: Case, events: Sequence[PublishedEvent], row: Row) -> Iterator[Finding]:
    spoken = [event for event in events if event.type != LATE]
    last = spoken[-1] if spoken else None
    if last is None or last.type not in LAST_WORDS or last.attempt != row.attempt:
        received = "nothing" if last is None else f"{last.type} of attempt {last.attempt}"
        yield Finding(
            Kind.LOST, case.reference, f"{row.state}, attempt {row.attempt}; last event: {received}"
        )
        return
    said = State(last.type.rpartition(".")[2])
    if said != row.state or row.is_leased:
        leased = ", leased" if row.is_leased else ""
        yield Finding(Kind.UNSETTLED, case.reference, f"event {said}, stored {row.state}{leased}")
    if last.type == WAITING and last.reason not in EXPLAINED:
        yield Finding(Kind.UNEXPLAINED, case.reference, f"waits: {last.reason}")
    if last.type != WAITING and last.type not in case.ends:
        yield Finding(Kind.WRONG_END, case.reference, f"{last.type}: {last.reason}")


def _billed(case: Case, row: Row, calls: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    if case.subject is None:
        return
    counted = calls.get(case.subject, {})
    seen: dict[str, int] = {}
    match case.provider:
        case Provider.MONETA:
            seen = {"submits": counted.get("submits", 0)}
        case Provider.NPD:
            # A retry for a person who is already identified is refused and repeated.
            counts = "startuprid" if row.attempt == 1 else "taken"
            seen = {"starts": counted.get(counts, 0)}
        case Provider.MANDARIN:
            seen = {"sessions": counted.get("submits", 0)}
            yield from _codes(case, row, counted)
        case Provider.INTELLECTMONEY:
            seen = {"writes": counted.get("writes", 0)}
    for what, times in seen.items():
        if times > row.attempt:
            yield Finding(Kind.REPEATED, case.reference, f"{times} {what} in {row.attempt}")


def _foreign(
    case: Case, events: Sequence[PublishedEvent], calls: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """Find answers to another operation: the id that it got, or the unit that it is about."""
    if case.subject is None:
        return
    counted = calls.get(case.subject, {})
    match case.provider:
        case Provider.MONETA:
            given = set(counted.get("tasks", ()))
        case Provider.NPD | Provider.MANDARIN:
            given = set(counted.get("details", {}).get("taken", ()))
        case _:
            return
    for event in events:
        if event.provider_ref is not None and event.provider_ref not in given:
            yield Finding(Kind.FOREIGN, case.reference, f"{event.type}: {event.provider_ref}")
        if event.unit is not None and event.unit != case.subject:
            yield Finding(Kind.FOREIGN, case.reference, f"{event.type}: of unit {event.unit}")


def _codes(case: Case, row: Row, counted: Mapping[str, Any]) -> Iterator[Finding]:
    codes: Mapping[str, int] = counted.get("details", {}).get("codes", {})
    if any(times > row.attempt for times in codes.values()):
        most = max(codes.values())
        yield Finding(Kind.REPEATED, case.reference, f"one code {most} times in {row.attempt}")
    if sum(codes.values()) > _CODES * row.attempt:
        yield Finding(Kind.REPEATED, case.reference, f"{sum(codes.values())} codes")


def _audited_outbox(books: Books) -> Iterator[Finding]:
    received = {event.id: event for event in books.received}
    stored = {event.id: event for event in books.outbox}
    for event_id in stored.keys() - received.keys():
        event = stored[event_id]
        yield Finding(Kind.UNTOLD, event.reference, f"{event.type} was never read")
    for event_id in received.keys() - stored.keys():
        event = received[event_id]
        yield Finding(Kind.UNTOLD, event.reference, f"{event.type} is in no outbox")
    for event_id in received.keys() & stored.keys():
        if received[event_id] != stored[event_id]:
            event = stored[event_id]
            yield Finding(Kind.UNTOLD, event.reference, f"{event.type} differs from its outbox row")
