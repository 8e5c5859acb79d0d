from collections.abc import Mapping
from typing import Any

import pytest

from uprid_client.names import Provider
from uprid_sandbox.background import background
from worker.local.demo.cases import PLAYS
from worker.local.demo.counting import Counters, calls, errors_of_calls, wanted
from worker.local.demo.side import SIDES

Counted = dict[Provider, dict[str, Any]]


def _counted() -> Counted:
    """Return exactly what is wanted."""
    counted: Counted = {provider: {"requests": {}, "subjects": {}} for provider in PLAYS}
    for provider in PLAYS:
        for side, case, subject in wanted(provider):
            seen: dict[str, Any] = dict(case.calls)
            if provider is Provider.MONETA:
                seen["languages"] = {side.transport: 9}
            counted[provider]["subjects"][subject] = seen
    return counted


def test_calls_have_no_faults_when_each_was_made_once() -> None:
    assert errors_of_calls(_counted()) == []


def test_calls_have_no_faults_when_npds_people_were_looked_up_at_moneta() -> None:
    counted = _counted()
    looked_up = {"submits": 0, "profile_checks": 2}
    counted[Provider.MONETA]["subjects"]["7000000000000"] = looked_up
    assert errors_of_calls(counted) == []


def test_calls_name_every_fault_of_a_side_that_never_ran() -> None:
    counted = _counted()
    silent = SIDES[1]
    for side, _, subject in wanted(Provider.MONETA):
        if side is silent:
            del counted[Provider.MONETA]["subjects"][subject]

    errors = errors_of_calls(counted)

    assert len(errors) == len(PLAYS[Provider.MONETA].cases)
    assert all(error.startswith("MONETA/SOAP: ") for error in errors)


@pytest.mark.parametrize(
    ("provider", "subject", "seen", "error"),
    [
        pytest.param(
            Provider.MONETA,
            "41000",
            {"submits": 2},
            "MONETA/JSON: stored-data: 2 submits, not 1",
            id="submit repeated",
        ),
        pytest.param(
            Provider.MONETA,
            "41000",
            {},
            "MONETA/JSON: stored-data: 0 submits, not 1",
            id="never sent",
        ),
        pytest.param(
            Provider.MONETA,
            "41000",
            {"submits": 1, "languages": {"json": 1, "soap": 1}},
            "MONETA/JSON: stored-data: was asked about in another language",
            id="language",
        ),
        pytest.param(
            Provider.MANDARIN,
            "0427120",
            {"submits": 1, "codes": 6},
            "Mandarin: five-wrong-codes: 6 codes, not 5",
            id="sixth code",
        ),
        pytest.param(
            Provider.NPD,
            "0361104",
            {"updatemonetaprofile": 1, "startuprid": 1},
            "NPD: not-bound: 1 startuprid, not 0",
            id="step too far",
        ),
        pytest.param(
            Provider.INTELLECTMONEY,
            "object:4530",
            {"writes": 2, "created": 2},
            "IntellectMoney: scheduled-noreply: 2 created, not 1",
            id="created twice",
        ),
        pytest.param(
            Provider.MANDARIN,
            "7654321",
            {"submits": 1},
            "Mandarin: 7654321: calls that were not expected",
            id="stranger",
        ),
    ],
)
def test_calls_name_the_fault_when_the_provider_saw_others(
    provider: Provider, subject: str, seen: Counters, error: str
) -> None:
    counted = _counted()
    counted[provider]["subjects"][subject] = seen
    assert any(error in each for each in errors_of_calls(counted))


def test_calls_are_read_from_every_stand_in() -> None:
    with background() as address:
        counted: Mapping[Provider, Counters] = calls(int(address.rpartition(":")[2]))
    assert counted == {provider: {"requests": {}, "subjects": {}} for provider in Provider}
