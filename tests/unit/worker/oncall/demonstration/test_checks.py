from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from worker.events.model import EventType
from worker.oncall.demonstration.cases import CASES, REFUSED, Case, Told
from worker.oncall.demonstration.checks import (
    Heard,
    Record,
    faults_of_calls,
    faults_of_case,
    faults_of_record,
)
from worker.oncall.demonstration.side import SIDES

Change = Callable[[list[Heard]], list[Heard]]

_CORRECTED = next(case for case in CASES if case.attempts == 2)


def _heard(case: Case) -> list[Heard]:
    """Exactly what the case expects."""
    events, attempt = [], 0
    for number, told in enumerate(case.expected, start=1):
        attempt += told.type is EventType.ACCEPTED
        reason = None if told.reason is None else _reason(told)
        events.append(
            Heard(
                f"{case.reference}-{number}",
                told.type.value,
                case.reference,
                {
                    "sequence": number,
                    "attempt": attempt,
                    "reason": reason,
                    "result": {"verified_by": told.verified_by} if told.verified_by else {},
                },
            )
        )
    return events


def _reason(told: Told) -> dict[str, Any]:
    return {"code": told.reason, "provider_code": None, "retryable": told.retryable}


def _record() -> Record:
    record = Record()
    for case in CASES:
        for event in _heard(case):
            record.add(event)
    for number, (reference, fields) in enumerate(REFUSED):
        data = {"fields": list(fields or ())}
        record.add(Heard(f"refused-{number}", EventType.MESSAGE_REFUSED, reference, data))
    return record


def test_record_has_no_faults_when_everything_came_as_expected() -> None:
    record = _record()
    assert record.is_complete()
    assert faults_of_record(record) == []


def test_record_takes_an_event_once_when_it_is_delivered_twice() -> None:
    record = _record()
    assert not record.add(_heard(CASES[0])[0])
    assert faults_of_record(record) == []


def _without_the_end(heard: list[Heard]) -> list[Heard]:
    return heard[:-1]


def _ended_twice(heard: list[Heard]) -> list[Heard]:
    data = {**heard[-1].data, "sequence": len(heard) + 1}
    return [*heard, replace(heard[-1], id="again", data=data)]


def _in_another_order(heard: list[Heard]) -> list[Heard]:
    return [heard[1], heard[0], *heard[2:]]


def _changed(key: str, value: object) -> Change:
    def change(heard: list[Heard]) -> list[Heard]:
        return [*heard[:-1], replace(heard[-1], data={**heard[-1].data, key: value})]

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(_without_the_end, "came accepted → started", id="no end"),
        pytest.param(_ended_twice, "attempt 2 has 2 terminal events, not 1", id="told twice"),
        pytest.param(_in_another_order, "the sequence is [2, 1", id="order"),
        pytest.param(_changed("attempt", 1), "attempt 1 has 2 terminal", id="attempt"),
        pytest.param(_changed("result", {}), "expected verified_by result", id="verified_by"),
        pytest.param(_changed("reason", {"code": "x"}), "expected the reason None", id="reason"),
    ],
)
def test_case_names_the_fault_when_an_event_is_not_as_expected(change: Change, fault: str) -> None:
    faults = faults_of_case(_CORRECTED, change(_heard(_CORRECTED)))
    assert any(fault in each for each in faults), faults


def test_record_names_the_fault_when_a_refusal_names_other_fields() -> None:
    record = _record()
    data = {"fields": ["sealed"]}
    record.refusals[0] = replace(record.refusals[0], data=data)
    assert any("expected the refusals" in each for each in faults_of_record(record))


def test_record_names_the_fault_when_an_operation_appears_that_nobody_wanted() -> None:
    record = _record()
    record.add(Heard("x", EventType.ACCEPTED, "stranger", {}))
    assert any(each.startswith("stranger:") for each in faults_of_record(record))


def _units() -> dict[str, dict[str, Any]]:
    return {
        str(side.unit(case.unit_id)): {"submits": case.attempts, "languages": {side.transport: 9}}
        for side in SIDES
        for case in CASES
    }


def test_calls_have_no_faults_when_there_was_one_submit_an_attempt() -> None:
    assert faults_of_calls(_units()) == []


def test_calls_name_every_fault_of_a_side_that_never_ran() -> None:
    ran, silent = SIDES
    units = {str(ran.unit(case.unit_id)) for case in CASES}
    counted = {unit: calls for unit, calls in _units().items() if unit in units}

    faults = faults_of_calls(counted)

    assert len(faults) == len(CASES)
    assert all(fault.startswith(f"{silent.name}: ") for fault in faults)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({str(CASES[0].unit_id): {"submits": 2}}, "2 submits for 1", id="repeated"),
        pytest.param({str(CASES[0].unit_id): {}}, "0 submits for 1", id="never sent"),
        pytest.param({"7": {"submits": 0}}, "unit 7", id="stranger"),
        pytest.param(
            {str(CASES[0].unit_id): {"submits": 1, "languages": {"json": 1, "soap": 1}}},
            "JSON: stored-data: was asked about in another language",
            id="language",
        ),
    ],
)
def test_calls_name_the_fault_when_the_provider_saw_others(
    change: dict[str, dict[str, Any]], fault: str
) -> None:
    assert any(fault in each for each in faults_of_calls({**_units(), **change}))


def test_cases_have_each_a_unit_and_a_reference_of_their_own() -> None:
    assert len({case.unit_id for case in CASES}) == len({c.reference for c in CASES}) == len(CASES)
