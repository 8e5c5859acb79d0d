"""Comparing what came with what was expected: pure, and every fault a sentence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.events.model import END_EVENTS, EventType
from worker.oncall.demonstration.cases import CASES, REFUSED, Case, Told
from worker.oncall.demonstration.side import SIDES

_TERMINAL = frozenset(END_EVENTS.values())


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as it was read from the stream."""

    id: str
    type: str
    subject: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def verb(self) -> str:
        """The last part of its type: `succeeded`."""
        return self.type.rpartition(".")[2]


class Record:
    """All events of a run, without doubles, by what they tell of."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._of: dict[str, list[Heard]] = {}
        self.refusals: list[Heard] = []

    def add(self, event: Heard) -> bool:
        """Take an event in; False where it is here already: delivery is at least once."""
        if event.id in self._seen:
            return False
        self._seen.add(event.id)
        if event.type == EventType.MESSAGE_REFUSED:
            self.refusals.append(event)
        else:
            self._of.setdefault(event.subject, []).append(event)
        return True

    def of(self, reference: str) -> Sequence[Heard]:
        """Return the events of an operation, in the order in which they stand on the stream."""
        return self._of.get(reference, ())

    @property
    def subjects(self) -> set[str]:
        """What events tell of."""
        return set(self._of)

    def is_complete(self) -> bool:
        """Tell whether as many events have come as were expected."""
        return len(self.refusals) >= len(REFUSED) and all(
            len(self.of(case.reference)) >= len(case.expected) for case in CASES
        )


def faults_of_record(record: Record) -> list[str]:
    """Return everything that is not as expected."""
    faults = [fault for case in CASES for fault in faults_of_case(case, record.of(case.reference))]
    faults += [
        f"{stranger}: nobody asked for it, and yet there are events"
        for stranger in sorted(record.subjects - {case.reference for case in CASES})
    ]
    return faults + list(_refusal_faults(record.refusals))


def faults_of_case(case: Case, heard: Sequence[Heard]) -> list[str]:
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


def faults_of_calls(units: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return where the provider saw other than exactly one submit an attempt, in its language."""
    expected = {str(side.unit(case.unit_id)): (case, side) for side in SIDES for case in CASES}
    faults = []
    for unit, (case, side) in expected.items():
        calls = units.get(unit, {})
        where, submits = f"{side.name}: {case.reference}", calls.get("submits", 0)
        if submits != case.attempts:
            faults.append(f"{where}: {submits} submits for {case.attempts} attempts")
        if set(calls.get("languages", ())) - {side.transport}:
            faults.append(f"{where}: was asked about in another language, too")
    strangers = sorted(set(units) - set(expected))
    return faults + [f"unit {unit}: was asked about, and nobody wanted it" for unit in strangers]


def _of_attempt(case: Case, attempt: int) -> Iterator[Told]:
    current = 0
    for told in case.expected:
        current += told.type is EventType.ACCEPTED
        if current == attempt:
            yield told


def _fact_faults(told: Told, event: Heard) -> Iterator[str]:
    reason = event.data.get("reason") or {}
    if reason.get("code") != told.reason:
        yield f"expected the reason {told.reason}, came {reason.get('code')}"
    if bool(reason.get("retryable")) != told.retryable:
        yield f"expected retryable {told.retryable}"
    verified_by = (event.data.get("result") or {}).get("verified_by")
    if verified_by != told.verified_by:
        yield f"expected verified_by {told.verified_by}, came {verified_by}"


def _refusal_faults(refusals: Iterable[Heard]) -> Iterator[str]:
    came = sorted((event.subject, tuple(event.data.get("fields", ()))) for event in refusals)
    expected = sorted(REFUSED)
    if came != expected:
        yield f"expected the refusals {expected}, came {came}"


def _verbs(types: Iterable[str]) -> str:
    return " → ".join(each.rpartition(".")[2] for each in types) or "nothing"
