from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from uprid_client.contract.events import EventType
from worker.local.demo.cases import PLAYS
from worker.local.demo.cases.shape import Case, ExpectedEvent
from worker.local.demo.checks import errors_of_case, errors_of_record, is_complete, plays_of
from worker.local.demo.record import ReceivedEvent, Record
from worker.local.demo.side import SIDES, Side

Change = Callable[[list[ReceivedEvent]], list[ReceivedEvent]]

_ALL = {case.reference: case for play in PLAYS.values() for case in play.cases}
_CORRECTED = _ALL["corrected"]
_REGISTRY = _ALL["registry"]
_CODES = _ALL["five-wrong-codes"]


def _heard(case: Case) -> list[ReceivedEvent]:
    """Exactly what the case expects."""
    events, attempt = [], 0
    for number, told in enumerate(case.expected, start=1):
        attempt += told.type is EventType.ACCEPTED
        events.append(
            ReceivedEvent(
                f"{case.reference}-{number}",
                told.type.value,
                case.reference,
                {"sequence": number, "attempt": attempt, **_facts(told)},
            )
        )
    return events


def _facts(told: ExpectedEvent) -> dict[str, Any]:
    reason = {"code": told.reason, "provider_code": None, "retryable": told.retryable}
    facts = {"reason": reason if told.reason else None, "result": {**told.result, "more": 1}}
    return facts if told.attempts_left is None else {**facts, "attempts_left": told.attempts_left}


def _record(side: Side) -> Record:
    record = Record()
    for play in plays_of(side):
        for case in play.cases:
            for event in _heard(case):
                record.add(event)
        for number, (reference, fields) in enumerate(play.refused):
            data = {"fields": list(fields)}
            id_ = f"refused-{reference}-{number}"
            record.add(ReceivedEvent(id_, EventType.MESSAGE_REFUSED, reference, data))
    return record


@pytest.mark.parametrize("side", SIDES, ids=[side.name for side in SIDES])
def test_record_has_no_faults_when_everything_came_as_expected(side: Side) -> None:
    record = _record(side)
    assert is_complete(record, side)
    assert errors_of_record(record, side) == []


def test_record_is_not_complete_when_a_provider_is_silent() -> None:
    asks_all, asks_moneta = SIDES
    assert not is_complete(_record(asks_moneta), asks_all)


def _without_the_end(heard: list[ReceivedEvent]) -> list[ReceivedEvent]:
    return heard[:-1]


def _ended_twice(heard: list[ReceivedEvent]) -> list[ReceivedEvent]:
    data = {**heard[-1].data, "sequence": len(heard) + 1}
    return [*heard, replace(heard[-1], id="again", data=data)]


def _in_another_order(heard: list[ReceivedEvent]) -> list[ReceivedEvent]:
    return [heard[1], heard[0], *heard[2:]]


def _changed(key: str, value: object, place: int = -1) -> Change:
    def change(heard: list[ReceivedEvent]) -> list[ReceivedEvent]:
        heard[place] = replace(heard[place], data={**heard[place].data, key: value})
        return heard

    return change


@pytest.mark.parametrize(
    ("case", "change", "error"),
    [
        pytest.param(_CORRECTED, _without_the_end, "came accepted → started", id="no end"),
        pytest.param(
            _CORRECTED, _ended_twice, "attempt 2 has 2 terminal events, not 1", id="told twice"
        ),
        pytest.param(_CORRECTED, _in_another_order, "the sequence is [2, 1", id="order"),
        pytest.param(_CORRECTED, _changed("attempt", 1), "attempt 1 has 2 terminal", id="attempt"),
        pytest.param(
            _CORRECTED, _changed("result", {}), "expected verified_by result", id="verified_by"
        ),
        pytest.param(
            _CORRECTED,
            _changed("reason", {"code": "x"}),
            "expected the reason None",
            id="reason",
        ),
        pytest.param(
            _REGISTRY,
            _changed("result", {**_REGISTRY.expected[-1].result, "invoices": 64}),
            "expected invoices 65, came 64",
            id="count",
        ),
        pytest.param(
            _REGISTRY,
            _changed("result", {**_REGISTRY.expected[-1].result, "by_state": {}}),
            "expected by_state {'Created'",
            id="sums",
        ),
        pytest.param(
            _REGISTRY,
            _changed("result", {**_REGISTRY.expected[-1].result, "verified_by": "result"}),
            "expected verified_by None, came result",
            id="a verdict where there is none",
        ),
        pytest.param(
            _CODES,
            _changed("attempts_left", 5, place=3),
            "expected 4 attempts left, came 5",
            id="attempts left",
        ),
    ],
)
def test_case_names_the_fault_when_an_event_is_not_as_expected(
    case: Case, change: Change, error: str
) -> None:
    errors = errors_of_case(case, change(_heard(case)))
    assert any(error in each for each in errors), errors


def test_record_names_the_fault_when_a_refusal_names_other_fields() -> None:
    record = _record(SIDES[0])
    record.refusals[0] = replace(record.refusals[0], data={"fields": ["sealed"]})
    assert any("expected the refusals" in each for each in errors_of_record(record, SIDES[0]))


def test_record_names_the_fault_when_an_operation_appears_that_nobody_wanted() -> None:
    record = _record(SIDES[1])
    record.add(ReceivedEvent("x", EventType.ACCEPTED, "no-code", {}))
    assert errors_of_record(record, SIDES[1]) == [
        "no-code: was not enqueued, and yet there are events"
    ]
