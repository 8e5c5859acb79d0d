"""The seed alone decides the plan and the operations, and every kind of fault is in the plan."""

from collections import Counter
from itertools import islice
from random import Random

import pytest

from tests.harnesses.chaos.cases import cases
from tests.harnesses.chaos.plan import (
    FLEET,
    KILLS,
    MAIN,
    OTHERS,
    Fault,
    Pace,
    are_events_apart,
    kills,
    others,
)
from uprid_client.names import Provider

_TEN_MINUTES = 600.0


def test_plan_is_the_same_for_the_same_seed() -> None:
    assert kills(7, _TEN_MINUTES, Pace()) == kills(7, _TEN_MINUTES, Pace())
    assert others(7, _TEN_MINUTES, Pace()) == others(7, _TEN_MINUTES, Pace())


def test_plan_is_another_for_another_seed() -> None:
    assert others(7, _TEN_MINUTES, Pace()) != others(8, _TEN_MINUTES, Pace())


@pytest.mark.parametrize("seed", range(20))
def test_ten_minutes_have_sixty_kills_and_every_other_fault(seed: int) -> None:
    planned = Counter(event.fault for event in others(seed, _TEN_MINUTES, Pace()))

    assert len(kills(seed, _TEN_MINUTES, Pace())) >= 60
    assert planned.keys() == set(OTHERS)
    assert planned.total() >= 40


def test_kills_befall_the_role_that_they_name() -> None:
    for event in kills(7, _TEN_MINUTES, Pace()):
        role = event.fault.value.partition(" ")[0]
        assert event.process.startswith(role)
        assert event.process in FLEET


def test_every_fault_is_a_kill_or_another_one() -> None:
    assert set(KILLS) | set(OTHERS) == set(Fault)
    assert not set(KILLS) & set(OTHERS)


@pytest.mark.parametrize("seed", range(20))
def test_short_plan_has_every_main_fault(seed: int) -> None:
    planned = others(seed, 40, Pace(others=2.5, calm=4), MAIN)

    assert {event.fault for event in planned} == set(MAIN)


def test_events_lie_on_a_server_of_their_own_in_some_runs_and_not_in_others() -> None:
    assert {are_events_apart(seed) for seed in range(20)} == {True, False}
    assert are_events_apart(7) == are_events_apart(7)


def test_operations_are_the_same_for_the_same_seed() -> None:
    drawn = [
        [(case.reference, case.subject, case.codes) for case in islice(cases(Random(3)), 99)]
        for _ in range(2)
    ]

    assert drawn[0] == drawn[1]


def test_operations_are_at_every_provider_and_each_its_own() -> None:
    drawn = list(islice(cases(Random(3)), 6_000))
    subjects = [(case.provider, case.subject) for case in drawn if case.subject is not None]

    assert {case.provider for case in drawn} == set(Provider)
    assert len({case.reference for case in drawn}) == len(drawn)
    assert len(set(subjects)) == len(subjects)
