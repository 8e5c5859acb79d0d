"""Comparing the events with the expected ones: pure, and every error a sentence."""

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


def errors_of_record(record: Record, side: Side) -> list[str]:
    """Return everything that is not as expected."""
    cases = [case for play in plays_of(side) for case in play.cases]
    errors = [error for case in cases for error in errors_of_case(case, record.of(case.reference))]
    errors += [
        f"{stranger}: was not enqueued, and yet there are events"
        for stranger in sorted(record.subjects - {case.reference for case in cases})
    ]
    expected = [refused for play in plays_of(side) for refused in play.refused]
    return errors + list(_refusal_errors(record.refusals, expected))


def errors_of_case(case: Case, received: Sequence[ReceivedEvent]) -> list[str]:
    """Return what is wrong with one operation's events."""
    name = case.reference
    errors = []
    came = [event.type for event in received]
    expected = [planned.type.value for planned in case.expected]
    if came != expected:
        errors.append(f"{name}: expected {_verbs(expected)}, came {_verbs(came)}")
    sequence = [event.data.get("sequence") for event in received]
    if sequence != list(range(1, len(received) + 1)):
        errors.append(f"{name}: the sequence is {sequence}")
    for attempt in range(1, case.attempts + 1):
        wanted = sum(t.type in _TERMINAL for t in _of_attempt(case, attempt))
        ends = sum(e.type in _TERMINAL and e.data.get("attempt") == attempt for e in received)
        if ends != wanted:
            errors.append(f"{name}: attempt {attempt} has {ends} terminal events, not {wanted}")
    for planned, event in zip(case.expected, received, strict=False):
        errors += [f"{name}: {event.verb}: {error}" for error in _fact_errors(planned, event)]
    return errors


def _of_attempt(case: Case, attempt: int) -> Iterator[ExpectedEvent]:
    current = 0
    for planned in case.expected:
        current += planned.type is ACCEPTED
        if current == attempt:
            yield planned


def _fact_errors(planned: ExpectedEvent, event: ReceivedEvent) -> Iterator[str]:
    reason, result = event.data.get("reason") or {}, event.data.get("result") or {}
    if reason.get("code") != planned.reason:
        yield f"expected the reason {planned.reason}, came {reason.get('code')}"
    if bool(reason.get("retryable")) != planned.retryable:
        yield f"expected retryable {planned.retryable}"
    left = event.data.get("attempts_left")
    if left != planned.attempts_left:
        yield f"expected {planned.attempts_left} attempts left, came {left}"
    for fact in sorted({_VERIFIED_BY, *planned.result}):
        expected, came = planned.result.get(fact), result.get(fact)
        if came != expected:
            yield f"expected {fact} {expected}, came {came}"


def _refusal_errors(
    refusals: Iterable[ReceivedEvent], wanted: Iterable[tuple[str, tuple[str, ...]]]
) -> Iterator[str]:
    came = sorted((event.subject, tuple(event.data.get("fields", ()))) for event in refusals)
    expected = sorted(wanted)
    if came != expected:
        yield f"expected the refusals {expected}, came {came}"


def _verbs(types: Iterable[str]) -> str:
    return " → ".join(each.rpartition(".")[2] for each in types) or "nothing"
