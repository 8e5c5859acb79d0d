"""A slip changes one place, in every module that uses it, and only during a `with` block."""

import pytest

from tests.harnesses.simulation.breaking import Mutation, Slip
from worker.engine import admission, recording, slots
from worker.engine.slots import countdown_to
from worker.store import leases, writeback
from worker.stream import stream


def _applied(*slips: Slip) -> Mutation:
    return Mutation("", "", slips=slips)


def test_slip_is_made_for_as_long_as_it_is_applied_and_wherever_the_function_was_imported() -> None:
    sound = admission.is_sick
    imported = countdown_to

    with _applied(
        Slip(admission, "is_sick", ">=", ">"), Slip(slots, "countdown_to", "0.0)", "1.0)")
    ).applied():
        assert admission.is_sick is not sound
        assert countdown_to is not imported

    assert admission.is_sick is sound
    assert countdown_to is imported


def test_slip_may_be_in_a_method_a_constant_a_statement_or_a_text() -> None:
    slips = [
        Slip(recording.Recorder, "record", "if late or", "if"),
        Slip(leases, "POISON_AFTER", "4", "5"),
        Slip(writeback, "_UNCHANGED", "polls = v.polls, ", ""),
        Slip(stream, "_SCRIPT", "'behind'", "'ok'"),
    ]

    with _applied(*slips).applied():
        assert leases.POISON_AFTER == 5
        assert "polls = v.polls" not in writeback._UNCHANGED._sqlite.text
        assert "polls = v.polls" not in writeback._UNCHANGED._postgres.text
        assert "'behind'" not in stream._SCRIPT

    assert leases.POISON_AFTER == 4
    assert "polls = v.polls" in writeback._UNCHANGED._sqlite.text


@pytest.mark.parametrize(
    "slip",
    [
        pytest.param(Slip(admission, "is_sick", "<<", ">"), id="not there"),
        pytest.param(Slip(admission, "grant", "limits", ""), id="more than once"),
        pytest.param(Slip(leases, "POISON_AFTER", "3", "5"), id="another constant"),
    ],
)
def test_slip_that_no_longer_fits_fails_aloud(slip: Slip) -> None:
    with pytest.raises(LookupError, match=slip.name), _applied(slip).applied():
        pytest.fail("it was applied")
