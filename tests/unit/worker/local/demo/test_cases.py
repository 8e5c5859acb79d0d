from collections import Counter

import pytest

from uprid_client.contract.events import EventType
from uprid_client.names import Provider
from uprid_sandbox.mandarin.requests import Person
from worker.domain.events import END_EVENTS
from worker.local.demo.cases import PLAYS, PROVIDER_OF
from worker.local.demo.cases.messages import HandCode
from worker.local.demo.counting import phone_digits, wanted
from worker.local.demo.people import FORGETFUL, RIGHT_CODE
from worker.local.demo.side import NAMES

_ENDS = {*END_EVENTS.values(), EventType.WAITING_FOR_PERSON}


def test_cases_are_of_every_provider() -> None:
    assert set(PLAYS) == set(NAMES) == set(Provider)


@pytest.mark.parametrize("provider", PLAYS)
def test_cases_show_at_least_three_endings_and_a_refusal(provider: Provider) -> None:
    play = PLAYS[provider]
    endings = {case.expected[-1].type for case in play.cases}
    assert len(endings) >= 3
    assert endings <= _ENDS
    assert play.refused


def test_cases_have_each_a_reference_of_their_own() -> None:
    assert len(PROVIDER_OF) == sum(len(play.references) for play in PLAYS.values())


@pytest.mark.parametrize("provider", PLAYS)
def test_cases_are_each_counted_by_something_of_their_own(provider: Provider) -> None:
    subjects = [subject for _, _, subject in wanted(provider)]
    assert len(set(subjects)) == len(subjects) >= len(PLAYS[provider].cases)


def test_codes_are_as_many_as_the_stand_in_must_count() -> None:
    play = PLAYS[Provider.MANDARIN]
    handed = Counter(
        each.reference for each in play.follow_ups if isinstance(each.message, HandCode)
    )
    assert handed == {c.reference: c.calls["codes"] for c in play.cases if c.calls["codes"]}


def test_right_code_is_what_the_stand_in_sends() -> None:
    digits = phone_digits(FORGETFUL["phone"])
    assert Person(f"+{digits}").code == RIGHT_CODE
