"""Comparing the events with the expected ones: pure, and every fault a sentence."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from worker.domain.events import END_EVENTS
from worker.local.demo.cases import PLAYS
from worker.local.demo.cases.shape import ACCEPTED, Case, ExpectedEvent, Play
from worker.local.demo.record import ReceivedEvent, Record
from worker.local.demo.side import Side

_TERMINAL: Final = frozenset(END_EVENTS.values())
_VERIFIED_BY: Final = "verified_by"


def plays_of(side: Side) -> list[Play]:
    """Return the plays of a side."""
    return [PLAYS[provider] for provider in PLAYS if provider in side.providers]


def is_complete(record: Record, side: Side) -> bool:
    """Return whether as many events have come as were expected."""
    plays = plays_of(side)
    return len(record.refusals) >= sum(len(play.refused) for play in plays) and all(
        len(record.of(case.reference)) >= len(case.expected)
        for play in plays
        for case in play.cases
    )


def faults_of_record(record: Record, side: Side) -> list[str]:
    """Return everything that is not as expected."""
    cases = [case for play in plays_of(side) for case in play.cases]
    faults = [fault for case in cases for fault in faults_of_case(case, record.of(case.reference))]
    faults += [
        f"{stranger}: was not enqueued, and yet there are events"
        for stranger in sorted(record.subjects - {case.reference for case in cases})
    ]
    expected = [refused for play in plays_of(side) for refused in play.refused]
    return faults + list(_refusal_faults(record.refusals, expected))


def faults_of_case(case: Case, heard: Sequence[ReceivedEvent]) -> list[str]:
    """Return what is wrong with one operation's events."""
    name = case.reference
    faults = []
    came = [event.type for event in heard]
    expected = [told.type.value for told in case.expected]
    if came != expected:
        faults.append(f"{name}: expected {_verbs(expected)}, came {_verbs(came)}")
    sequence = [event.data.get("sequence") for event in heard]
    if sequence != list(range(1, len(heard) + 1)):
        faults.append(f"{name}: the sequence is {sequence}")
    for attempt in range(1, case.attempts + 1):
        wanted = sum(t.type in _TERMINAL for t in _of_attempt(case, attempt))
        ends = sum(e.type in _TERMINAL and e.data.get("attempt") == attempt for e in heard)
        if ends != wanted:
            faults.append(f"{name}: attempt {attempt} has {ends} terminal events, not {wanted}")
    for told, event in zip(case.expected, heard, strict=False):
        faults += [f"{name}: {event.verb}: {fault}" for fault in _fact_faults(told, event)]
    return faults


def _of_attempt(case: Case, attempt: int) -> Iterator[ExpectedEvent]:
    current = 0
    for told in case.expected:
        current += told.type is ACCEPTED
        if current == attempt:
            yield told


def _fact_faults(told: ExpectedEvent, event: ReceivedEvent) -> Iterator[str]:
    reason, result = event.data.get("reason") or {}, event.data.get("result") or {}
    if reason.get("code") != told.reason:
        yield f"expected the reason {told.reason}, came {reason.get('code')}"
    if bool(reason.get("retryable")) != told.retryable:
        yield f"expected retryable {told.retryable}"
    left = event.data.get("attempts_left")
    if left != told.attempts_left:
        yield f"expected {told.attempts_left} attempts left, came {left}"
    for fact in sorted({_VERIFIED_BY, *told.result}):
        expected, came = told.result.get(fact), result.get(fact)
        if came != expected:
            yield f"expected {fact} {expected}, came {came}"


def _refusal_faults(
    refusals: Iterable[ReceivedEvent], wanted: Iterable[tuple[str, tuple[str, ...]]]
) -> Iterator[str]:
    came = sorted((event.subject, tuple(event.data.get("fields", ()))) for event in refusals)
    expected = sorted(wanted)
    if came != expected:
        yield f"expected the refusals {expected}, came {came}"


def _verbs(types: Iterable[str]) -> str:
    return " → ".join(each.rpartition(".")[2] for each in types) or "nothing"
