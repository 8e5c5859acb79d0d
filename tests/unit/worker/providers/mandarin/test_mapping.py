"""What a status comes to: every case of the two checks, for any state of the codes."""

from datetime import timedelta
from itertools import product
from typing import Final

import pytest

from tests.support.providers.mandarin import NOW, work
from worker.providers.mandarin.code_state import CODES, UNDER_WAY, CodeState, Handed, code_state_of
from worker.providers.mandarin.mapping import Meaning, meaning_of
from worker.providers.mandarin.types import Check

OPEN: Final = Check(finished=False, verified=None)
YES: Final = Check(finished=True, verified=True)
NO: Final = Check(finished=True, verified=False)
EMPTY: Final = Check(finished=True, verified=None)
EARLY_YES: Final = Check(finished=False, verified=True)
EARLY_NO: Final = Check(finished=False, verified=False)
CHECKS: Final = (OPEN, YES, NO, EMPTY, EARLY_YES, EARLY_NO)


def course(
    sent: int = 0,
    handed: Handed = Handed.TAKEN,
    since: float | None = 10.0,
    *,
    asked: bool = False,
) -> CodeState:
    return CodeState(sent, asked, handed if sent else None, since if sent else None, 0)


COURSES: Final = [
    CodeState(sent, asked, handed if sent else None, since, 0)
    for sent, asked, handed, since in product(
        range(CODES + 2), (True, False), Handed, (None, 0.0, UNDER_WAY - 1, UNDER_WAY)
    )
]
ALL: Final = list(product(CHECKS, CHECKS, COURSES))

FIRST: Final = course(asked=True)
RESUMED: Final = course()
JUST_SENT: Final = course(1)
SENT_LONG_AGO: Final = course(1, since=60)
LAST: Final = course(5)


@pytest.mark.parametrize(
    ("person", "phone", "known", "meaning"),
    [
        pytest.param(YES, YES, JUST_SENT, "passed", id="both verified"),
        pytest.param(NO, OPEN, FIRST, "wrong_person", id="person wrong, no code yet"),
        pytest.param(NO, YES, JUST_SENT, "wrong_person", id="person wrong, phone verified"),
        pytest.param(NO, NO, LAST, "wrong_person", id="person wrong, codes exhausted"),
        pytest.param(EMPTY, OPEN, FIRST, "broken", id="person finished without a verdict"),
        pytest.param(EMPTY, NO, LAST, "broken", id="the same after five codes"),
        pytest.param(YES, EMPTY, JUST_SENT, "broken", id="phone finished without a verdict"),
        pytest.param(OPEN, YES, JUST_SENT, "wait", id="phone verified, person open"),
        pytest.param(EARLY_YES, YES, JUST_SENT, "wait", id="person not finished, said true"),
        pytest.param(EARLY_NO, YES, JUST_SENT, "wait", id="person not finished, said false"),
        pytest.param(YES, EARLY_YES, JUST_SENT, "wait", id="phone not finished, said true"),
        pytest.param(OPEN, OPEN, FIRST, "wait", id="the first code is asked for"),
        pytest.param(OPEN, OPEN, RESUMED, "ask", id="a resume"),
        pytest.param(YES, NO, RESUMED, "ask", id="a resume after a wrong code"),
        pytest.param(YES, OPEN, JUST_SENT, "wait", id="null soon after a code"),
        pytest.param(YES, OPEN, SENT_LONG_AGO, "ask", id="null a minute after a code"),
        pytest.param(
            YES, OPEN, course(1, since=60, asked=True), "wait", id="null, and asked already"
        ),
        pytest.param(YES, OPEN, course(5, since=60), "wait", id="null a minute after the last"),
        pytest.param(OPEN, NO, JUST_SENT, "ask", id="a wrong code"),
        pytest.param(OPEN, NO, course(1, asked=True), "wait", id="a wrong code, asked already"),
        pytest.param(OPEN, NO, course(4), "ask", id="the fourth wrong code"),
        pytest.param(OPEN, NO, LAST, "codes_exhausted", id="the fifth wrong code"),
        pytest.param(OPEN, NO, course(6), "codes_exhausted", id="more than five"),
        pytest.param(OPEN, EARLY_NO, JUST_SENT, "wait", id="false before the check has finished"),
        pytest.param(OPEN, EARLY_NO, LAST, "wait", id="the same after the fifth"),
        pytest.param(OPEN, EARLY_NO, course(5, since=600), "wait", id="however long after it"),
        pytest.param(OPEN, EARLY_NO, SENT_LONG_AGO, "ask", id="false and open a minute later"),
        pytest.param(
            OPEN, NO, course(2, Handed.DOUBTFUL), "wait", id="perhaps an earlier code's false"
        ),
        pytest.param(
            OPEN, NO, course(2, Handed.DOUBTFUL, 60), "ask", id="a doubtful code a minute later"
        ),
        pytest.param(
            OPEN, NO, course(5, Handed.DOUBTFUL), "wait", id="perhaps the fourth code's false"
        ),
        pytest.param(
            OPEN, NO, course(5, Handed.DOUBTFUL, 60), "codes_exhausted", id="surely the fifth's"
        ),
        pytest.param(
            YES,
            OPEN,
            course(5, Handed.REFUSED),
            "wait",
            id="the fifth refused just now",
        ),
        pytest.param(
            YES, OPEN, course(5, Handed.REFUSED, 60), "codes_exhausted", id="the fifth refused"
        ),
        pytest.param(
            YES, NO, course(5, Handed.REFUSED), "codes_exhausted", id="fourth wrong, fifth refused"
        ),
        pytest.param(
            YES, YES, course(5, Handed.REFUSED), "passed", id="fourth right, fifth refused"
        ),
        pytest.param(
            YES, NO, course(3, Handed.REFUSED, asked=True), "wait", id="refused, asked already"
        ),
    ],
)
def test_status_means(person: Check, phone: Check, known: CodeState, meaning: str) -> None:
    assert meaning_of(person, phone, known) == meaning


def test_passed_means_that_both_checks_have_finished_and_are_true() -> None:
    for person, phone, known in ALL:
        passed = meaning_of(person, phone, known) is Meaning.PASSED
        assert passed == (person == YES and phone == YES), (person, phone, known)


def test_a_person_is_wrong_only_by_a_finished_false() -> None:
    for person, phone, known in ALL:
        wrong = meaning_of(person, phone, known) is Meaning.WRONG_PERSON
        assert wrong == (person == NO), (person, phone, known)


def test_codes_are_exhausted_only_after_five_and_never_with_a_verified_phone() -> None:
    for person, phone, known in ALL:
        if meaning_of(person, phone, known) is Meaning.CODES_EXHAUSTED:
            assert known.sent >= CODES
            assert phone.verified is not True
            assert known.handed is not Handed.DOUBTFUL or known.is_quiet


def test_a_code_is_asked_for_once_and_never_a_sixth() -> None:
    for person, phone, known in ALL:
        if meaning_of(person, phone, known) is Meaning.ASK:
            assert not known.asked
            assert known.sent < CODES


@pytest.mark.parametrize("sent", range(CODES))
def test_nobody_waits_for_ever_for_a_code_that_nobody_asks_for(sent: int) -> None:
    for phone in (OPEN, NO, EARLY_NO):
        for handed in Handed:
            known = course(sent, handed, since=UNDER_WAY)
            assert meaning_of(YES, phone, known) is Meaning.ASK


@pytest.mark.parametrize(
    ("progress", "handed", "looks"),
    [
        pytest.param({}, Handed.DOUBTFUL, 0, id="nothing was noted of it"),
        pytest.param({"code": 2, "handed": "taken", "looks": 3}, Handed.TAKEN, 3, id="noted"),
        pytest.param({"code": 1, "handed": "taken", "looks": 3}, Handed.DOUBTFUL, 0, id="earlier"),
    ],
)
def test_course_believes_only_what_was_noted_of_the_last_code(
    progress: dict[str, object], handed: Handed, looks: int
) -> None:
    sent_at = NOW - timedelta(seconds=30)

    known = code_state_of(work(progress=progress, inputs_sent=2, input_sent_at=sent_at))

    assert known == CodeState(2, asked=False, handed=handed, since=30.0, looks=looks)
