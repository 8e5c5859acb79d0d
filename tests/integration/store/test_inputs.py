"""Inputs: taken once, sent one after the other, erased when their attempt ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import RowMapping, select, update

from tests.support.engine.operations import (
    LEASE_ID,
    NOW,
    accepted,
    attempts,
    claim,
    ended,
    forgets,
    in_state,
    journal,
    moved,
    operation,
    polling,
    stayed,
    told,
    waiting,
    write,
)
from uprid_client.contract.events import EventType
from uprid_client.contract.states import TERMINAL, State
from worker.domain.outcomes import Wanted
from worker.store import input_delivery, inputs, resolutions, retries, writeback
from worker.store.actions import Action
from worker.store.changes import Transition
from worker.store.claims import ORDINARY, URGENT, ClaimedSnapshot
from worker.store.database import Database
from worker.store.input_delivery import Supplying
from worker.store.inputs import Input, Offered
from worker.store.tables import INPUTS, OPERATIONS

CODE = "sms_code"
SOON = NOW + timedelta(seconds=3)
FAR = NOW + timedelta(minutes=10)
TAKING = {State.SUBMITTING, State.POLLING, State.WAITING_FOR_PERSON}
ACTION = Action("order-1", 1, "anna", "asked by phone")


def given(
    code: str = "1111",
    message: str | None = None,
    *,
    reference: str = "order-1",
    provider: str = "moneta",
) -> Input:
    return Input(
        provider=provider,
        reference=reference,
        name=CODE,
        message_id=message or f"message-{code}",
        fingerprint=lambda id_, attempt: f"{id_}-{attempt}-{code}",
        sealed=f"sealed {code}",
    )


def offer(database: Database, one: Input, now: datetime = NOW) -> Offered:
    with database.begin() as connection:
        return inputs.offer(connection, one, now)[0]


def stored(database: Database) -> list[RowMapping]:
    with database.read() as connection:
        rows = connection.execute(select(INPUTS).order_by(INPUTS.c.at, INPUTS.c.id))
        return list(rows.mappings())


def everything(database: Database) -> object:
    return operation(database), attempts(database), journal(database), told(database)


def asking(claimed: ClaimedSnapshot, due_at: datetime = FAR, attempts_left: int = 5) -> Transition:
    """Return what is written when the provider wants a code."""
    return moved(
        claimed, State.POLLING, EventType.INPUT_REQUIRED,
        due_at=due_at, lane=ORDINARY, missing=CODE, wants=Wanted(CODE, attempts_left),
    )  # fmt: skip


def wanting(database: Database) -> None:
    """Have `order-1` want a code, with its next poll far away."""
    polling(database, "order-1")
    [claimed] = claim(database, lane=ORDINARY)
    write(database, [asking(claimed)])


def supply(database: Database, claimed: ClaimedSnapshot, now: datetime = NOW) -> Supplying | None:
    with database.begin() as connection:
        return input_delivery.mark_supplying(connection, claimed.id, claimed.attempt, LEASE_ID, now)


def sending(database: Database, now: datetime = NOW) -> ClaimedSnapshot:
    """Claim the wanted operation and mark its input as being sent, as the engine does."""
    [claimed] = claim(database, now=now)
    marked = supply(database, claimed, now)
    assert marked is not None
    return replace(
        claimed,
        inputs_sent=claimed.inputs_sent + 1,
        inputs_waiting=claimed.inputs_waiting - 1,
        input_id=marked.id,
    )


# Offering


@pytest.mark.parametrize("state", sorted(TAKING))
def test_input_is_taken_where_a_session_may_be(database: Database, state: State) -> None:
    in_state(database, state)

    assert offer(database, given()) is Offered.TAKEN

    [row] = stored(database)
    assert (row["attempt"], row["name"], row["sealed"]) == (1, CODE, "sealed 1111")
    assert row["sent_at"] is None
    assert operation(database)["inputs_waiting"] == 1
    assert journal(database)[-1]["note"] == "sms_code received (1 of 5)"


@pytest.mark.parametrize("state", sorted(set(State) - TAKING))
def test_input_is_not_wanted_and_changes_nothing_in(database: Database, state: State) -> None:
    in_state(database, state)
    before = everything(database)

    assert offer(database, given()) is Offered.NOT_WANTED

    assert (everything(database), stored(database)) == (before, [])


def test_input_of_an_unknown_reference_is_refused(database: Database) -> None:
    assert offer(database, given()) is Offered.UNKNOWN_REFERENCE
    assert stored(database) == []


def test_input_for_another_providers_operation_is_refused(database: Database) -> None:
    wanting(database)

    assert offer(database, given(provider="mandarin")) is Offered.ANOTHER_PROVIDER
    assert stored(database) == []


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(given("1111", "first"), id="the same message"),
        pytest.param(given("2222", "first"), id="the same message with another code"),
        pytest.param(given("1111", "second"), id="the same code in another message"),
    ],
)
def test_input_that_comes_again_counts_once(database: Database, again: Input) -> None:
    wanting(database)
    offer(database, given("1111", "first"))
    before = everything(database)

    assert offer(database, again) is Offered.KNOWN

    assert everything(database) == before
    assert len(stored(database)) == 1


def test_sixth_input_is_too_many_and_the_fifth_again_is_still_known(database: Database) -> None:
    wanting(database)
    for number in range(5):
        assert offer(database, given(f"{number}")) is Offered.TAKEN

    assert offer(database, given("5")) is Offered.TOO_MANY
    assert offer(database, given("4")) is Offered.KNOWN

    assert len(stored(database)) == operation(database)["inputs_waiting"] == 5


def test_message_of_an_earlier_attempt_spends_nothing_of_the_next(database: Database) -> None:
    wanting(database)
    offer(database, given("1111", "first"))
    [claimed] = claim(database)
    write(database, [ended(claimed, State.REJECTED)])
    with database.begin() as connection:
        retries.retry(connection, ACTION, None, FAR, forgets, NOW)
    [claimed] = claim(database)
    write(database, [moved(claimed, State.POLLING, due_at=FAR, missing=CODE)])

    assert offer(database, given("1111", "first")) is Offered.KNOWN
    assert offer(database, given("1111", "second")) is Offered.TAKEN

    assert [row["attempt"] for row in stored(database)] == [1, 2]


# When it is sent


def test_input_that_is_wanted_makes_its_operation_due_and_urgent(database: Database) -> None:
    wanting(database)

    offer(database, given(), SOON)

    row = operation(database)
    assert (row["due_at"], row["lane"], row["wanted_at"]) == (SOON, URGENT, None)
    [claimed] = claim(database, now=SOON)
    assert (claimed.missing, claimed.inputs_waiting) == (CODE, 1)


@pytest.mark.parametrize("leave", ["stays", "moves"])
def test_input_that_comes_while_its_operation_is_leased_is_due_once_that_is_written(
    database: Database, leave: str
) -> None:
    wanting(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    offer(database, given(), FAR)
    assert operation(database)["wanted_at"] == FAR
    later = FAR + timedelta(minutes=1)

    with database.begin() as connection:
        if leave == "stays":
            written = writeback.write_unchanged(connection, LEASE_ID, [stayed(claimed, later)])
        else:
            written = writeback.write_transitions(
                connection, LEASE_ID, [asking(claimed, later)], FAR
            )

    assert written == {claimed.id: True}
    row = operation(database)
    assert (row["due_at"], row["lane"]) == (FAR, URGENT)
    [claimed] = claim(database, now=FAR)
    assert operation(database)["wanted_at"] is None


def test_input_that_comes_while_a_verdict_is_awaited_is_sent_once_it_is_wanted_again(
    database: Database,
) -> None:
    wanting(database)
    offer(database, given("1111"))
    sent = sending(database)
    assert offer(database, given("2222")) is Offered.TAKEN
    assert operation(database)["wanted_at"] is None

    write(database, [moved(sent, State.POLLING, due_at=SOON, lane=ORDINARY)])
    row = operation(database)
    assert (row["missing"], row["due_at"], row["lane"]) == (None, SOON, ORDINARY)

    [claimed] = claim(database, lane=ORDINARY, now=SOON)
    write(database, [asking(claimed, attempts_left=4)], now=SOON)

    row = operation(database)
    assert (row["missing"], row["due_at"], row["lane"]) == (CODE, SOON, URGENT)
    [claimed] = claim(database, now=SOON)
    marked = supply(database, claimed, SOON)
    assert marked is not None
    assert marked.sealed == "sealed 2222"


def test_input_that_came_before_the_session_is_sent_as_soon_as_it_is_wanted(
    database: Database,
) -> None:
    accepted(database, "order-1")
    [claimed] = claim(database)
    with database.begin() as connection:
        writeback.mark_submitting(connection, claimed, LEASE_ID, NOW)
    offer(database, given())

    write(database, [asking(replace(claimed, state=State.SUBMITTING))])

    row = operation(database)
    assert (row["due_at"], row["lane"], row["missing"]) == (NOW, URGENT, CODE)


# Marking


def test_mark_supplying_counts_the_oldest_as_sent_and_wants_no_other(database: Database) -> None:
    wanting(database)
    offer(database, given("1111"), NOW)
    offer(database, given("2222"), SOON)
    [claimed] = claim(database, now=SOON)

    marked = supply(database, claimed, SOON)

    assert marked is not None
    assert marked.sealed == "sealed 1111"
    row = operation(database)
    assert (row["missing"], row["inputs_sent"], row["inputs_waiting"]) == (None, 1, 1)
    assert row["input_sent_at"] == SOON
    assert [one["sent_at"] for one in stored(database)] == [SOON, None]
    assert supply(database, claimed, SOON) is None
    assert [one["sent_at"] for one in stored(database)] == [SOON, None]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"lease_token": "another"}, id="the lease is lost"),
        pytest.param({"missing": None}, id="it is wanted no more"),
        pytest.param({"state": "settling"}, id="its deadline has passed"),
    ],
)
def test_mark_supplying_marks_nothing_when(database: Database, change: dict[str, object]) -> None:
    wanting(database)
    offer(database, given())
    [claimed] = claim(database)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(**change))
    before = operation(database), stored(database)

    assert supply(database, claimed) is None

    assert (operation(database), stored(database)) == before


def test_mark_supplying_puts_a_wrong_count_right(database: Database) -> None:
    wanting(database)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(inputs_waiting=1))
    [claimed] = claim(database, lane=ORDINARY, now=FAR)

    assert supply(database, claimed) is None

    row = operation(database)
    assert (row["inputs_waiting"], row["inputs_sent"], row["missing"]) == (0, 0, CODE)


def test_input_that_was_sent_is_forgotten_and_its_likeness_is_not(database: Database) -> None:
    wanting(database)
    offer(database, given())
    sent = sending(database)

    write(database, [moved(sent, State.POLLING, due_at=SOON)])

    [row] = stored(database)
    assert (row["sealed"], row["sent_at"]) == (None, NOW)
    assert offer(database, given(message="again")) is Offered.KNOWN


def test_input_that_was_not_sent_waits_again_and_is_sent_when_it_is_due(
    database: Database,
) -> None:
    wanting(database)
    offer(database, given())
    sent = sending(database)

    back = moved(sent, State.POLLING, due_at=SOON, lane=URGENT, missing=CODE, input_returned=True)
    write(database, [back])

    row = operation(database)
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (0, 1, CODE)
    # Not before: the provider did not take it and is given a rest.
    assert (row["due_at"], row["lane"]) == (SOON, URGENT)
    assert stored(database)[0]["sent_at"] is None
    [claimed] = claim(database, now=SOON)
    again = supply(database, claimed, SOON)
    assert again is not None
    assert again.sealed == "sealed 1111"


def test_input_stays_sent_when_the_lease_was_lost_after_the_call(database: Database) -> None:
    wanting(database)
    offer(database, given())
    sent = sending(database)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(lease_token="another"))

    back = moved(sent, State.POLLING, due_at=SOON, missing=CODE, input_returned=True)
    assert write(database, [back]) == set()

    row = operation(database)
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (1, 0, None)
    assert stored(database)[0]["sent_at"] == NOW


def test_input_whose_answer_was_lost_is_not_sent_in_the_place_of_the_next(
    database: Database,
) -> None:
    wanting(database)
    offer(database, given("1111"))
    sending(database)
    with database.begin() as connection:
        # Its process died, and the sweep freed what it held.
        connection.execute(update(OPERATIONS).values(lease_token=None, lease_owner=None))
    offer(database, given("2222"), SOON)
    [asked] = claim(database, now=SOON)
    write(database, [asking(asked)])

    [claimed] = claim(database, now=FAR)
    marked = supply(database, claimed, FAR)

    assert marked is not None
    assert marked.sealed == "sealed 2222"
    assert [one["sent_at"] for one in stored(database)] == [NOW, FAR]


# Erasing

End = Callable[[Database, ClaimedSnapshot], object]


def by_retry(database: Database, claimed: ClaimedSnapshot) -> None:
    parked = moved(claimed, State.WAITING_FOR_PERSON, EventType.WAITING_FOR_PERSON, missing=CODE)
    write(database, [parked])
    assert stored(database)[0]["sealed"] is not None
    with database.begin() as connection:
        retries.retry(connection, ACTION, None, FAR, forgets, NOW)
    row = operation(database)
    counted = ("missing", "inputs_sent", "input_sent_at", "inputs_waiting", "notices", "wanted_at")
    assert [row[name] for name in counted] == [None, 0, None, 0, 0, None]


def by_resolve(database: Database, claimed: ClaimedSnapshot) -> None:
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, missing=CODE)])
    with database.begin() as connection:
        resolutions.resolve(connection, ACTION, State.REJECTED, NOW)


def by_cancel(database: Database, claimed: ClaimedSnapshot) -> None:
    del claimed
    with database.begin() as connection:
        resolutions.cancel(connection, ACTION, NOW)


def as_ended(state: State) -> End:
    return lambda database, claimed: write(database, [ended(claimed, state)])


ENDS = [
    *(pytest.param(as_ended(state), id=state) for state in sorted(TERMINAL)),
    pytest.param(by_retry, id="retry"),
    pytest.param(by_resolve, id="resolve"),
    pytest.param(by_cancel, id="cancel"),
]


def erased(rows: Sequence[RowMapping]) -> bool:
    return {(row["sealed"], row["fingerprint"]) for row in rows} == {(None, None)}


@pytest.mark.parametrize("end", ENDS)
def test_inputs_are_erased_when_their_attempt_ends_by(database: Database, end: End) -> None:
    wanting(database)
    offer(database, given("1111"))
    offer(database, given("2222"))
    [claimed] = claim(database)

    end(database, claimed)

    assert len(stored(database)) == 2
    assert erased(stored(database))


def test_input_that_came_during_the_last_question_is_erased_by_its_end(
    database: Database,
) -> None:
    wanting(database)
    [claimed] = claim(database, lane=ORDINARY, now=FAR)
    assert offer(database, given(), FAR) is Offered.TAKEN

    write(database, [ended(claimed, State.SUCCEEDED)])

    assert erased(stored(database))
    assert operation(database)["due_at"] is None


def test_inputs_of_an_attempt_that_waits_for_a_person_are_kept_and_go_on_with_it(
    database: Database,
) -> None:
    wanting(database)
    offer(database, given("1111"))
    [claimed] = claim(database)
    write(database, [moved(claimed, State.WAITING_FOR_PERSON, missing=CODE)])
    assert offer(database, given("2222")) is Offered.TAKEN
    assert operation(database)["due_at"] is None

    with database.begin() as connection:
        resolutions.resume(connection, ACTION, None, forgets, NOW)

    [claimed] = claim(database, lane=ORDINARY)
    assert (claimed.state, claimed.missing, claimed.inputs_waiting) == (State.POLLING, CODE, 2)


def test_resume_keeps_of_the_progress_what_the_plugin_keeps(database: Database) -> None:
    waiting(database, State.POLLING)

    with database.begin() as connection:
        resolutions.resume(connection, ACTION, None, lambda kind, was: {kind: was}, NOW)

    assert operation(database)["progress"] == '{"identification": {"unknown": 3}}'


def test_retry_keeps_of_the_progress_what_the_plugin_keeps(database: Database) -> None:
    waiting(database, State.POLLING)

    with database.begin() as connection:
        retries.retry(connection, ACTION, None, FAR, lambda kind, was: {kind: was["unknown"]}, NOW)

    assert operation(database)["progress"] == '{"identification": 3}'
