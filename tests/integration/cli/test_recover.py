"""`uprid recover`: what a fail-over may have lost the mark of is put in doubt, and not sent."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from tests.support.engine.operations import journal, operation
from tests.support.engine.process import Process, process
from tests.support.processes.command import uprid
from uprid_client.contract.states import State
from worker.domain.ids import new_id
from worker.engine.calls import Call
from worker.store.actions import Action
from worker.store.resolutions import resume
from worker.store.tables import INPUTS, OPERATIONS, PROVIDERS

SETTINGS = {"REDIS_URL": "redis://127.0.0.1:1", "UPRID_SEAL_KEYS": "", "UPRID_FINGERPRINT_KEY": ""}


@pytest.fixture
def poller(migrated_url: str) -> Iterator[Process]:
    with process(migrated_url) as made:
        yield made


def test_submit_whose_mark_was_lost_is_cleared_up_and_not_sent(
    poller: Process, migrated_url: str
) -> None:
    poller.enqueue("order-1")
    poller.work()
    # As a replica has it that lacks the last commits.
    with poller.database.begin() as connection:
        connection.execute(
            update(OPERATIONS).values(
                state=State.ACCEPTED.value, lane=0, provider_ref=None, started_at=None,
                due_at=poller.database.now() - timedelta(seconds=1),
            )
        )  # fmt: skip
    typed = ("recover", "--since", "10m", "--note", "fail-over", "--by", "anna")
    settings = {**SETTINGS, "DATABASE_URL": migrated_url}

    dry = uprid(settings, *typed, "--dry-run")
    assert (dry.status, dry.out) == (0, "moneta: 1 would be put in doubt\n")
    assert operation(poller.database)["state"] == "accepted"
    run = uprid(settings, *typed)
    assert (run.status, run.out) == (0, "moneta: 1 put in doubt, to be cleared up\n")
    poller.work()

    asked = [call.ask for call in poller.plugin.calls]
    assert asked.count(Call.SUBMIT) == 1
    assert asked[-1] is Call.CLEAR_UP
    [said] = [row for row in journal(poller.database) if row["what"] == "person"]
    assert (said["by"], said["detail"]) == ("anna", "fail-over")
    assert uprid(settings, *typed).out.startswith("nothing may have been sent")


def test_code_that_may_have_been_sent_counts_as_sent(poller: Process, migrated_url: str) -> None:
    poller.enqueue("order-1")
    poller.work()
    _have_code_wait(poller)
    settings = {**SETTINGS, "DATABASE_URL": migrated_url}

    uprid(settings, "recover", "--since", "10m", "--note", "fail-over")
    poller.work()

    row = operation(poller.database)
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (1, 0, None)
    assert [call.ask for call in poller.plugin.calls][-1] is Call.POLL


@pytest.fixture
def paused(poller: Process) -> None:
    """MONETA, paused for an hour as far as the database knows, and a submit that is due."""
    poller.enqueue("order-1")
    with poller.database.begin() as connection:
        long_ago = poller.database.now() - timedelta(hours=1)
        connection.execute(update(PROVIDERS).values(paused_at=long_ago))


@pytest.mark.usefixtures("paused")
def test_pause_proves_nothing_since_its_end_may_be_lost(poller: Process, migrated_url: str) -> None:
    settings = {**SETTINGS, "DATABASE_URL": migrated_url}
    command = ("recover", "--since", "10m", "--note", "n")

    tried = uprid(settings, *command, "--dry-run")
    uprid(settings, *command)

    assert "add --was-paused moneta to leave it out" in tried.out
    assert operation(poller.database)["state"] == State.SUBMITTING.value


@pytest.mark.usefixtures("paused")
def test_provider_that_stayed_paused_is_left_out_when_it_is_named(migrated_url: str) -> None:
    settings = {**SETTINGS, "DATABASE_URL": migrated_url}
    command = ("recover", "--since", "10m", "--note", "n", "--was-paused")

    run = uprid(settings, *command, "moneta")
    other = uprid(settings, *command, "npd")

    assert run.out.startswith("nothing may have been sent")
    assert other.status == 2
    assert other.err.strip().endswith("--was-paused: npd was not paused at that time")


def test_resume_that_may_be_lost_is_not_followed_by_a_second_submit(
    poller: Process, migrated_url: str
) -> None:
    """What waits for a person from before its submit may have been resumed and submitted."""
    poller.enqueue("order-1")
    _have_wait(poller, State.ACCEPTED)
    settings = {**SETTINGS, "DATABASE_URL": migrated_url}

    run = uprid(settings, "recover", "--since", "10m", "--note", "fail-over")

    row = operation(poller.database)
    assert run.out.startswith("moneta: 1 put in doubt")
    assert (row["state"], row["waiting_from"]) == (
        State.WAITING_FOR_PERSON.value,
        State.SUBMITTING.value,
    )
    assert uprid(settings, "recover", "--since", "10m", "--note", "n").out.startswith("nothing")

    action = Action("order-1", 1, "anna", "goes on")
    with poller.database.begin() as connection:
        resume(connection, action, None, lambda *_: {}, poller.database.now())
    poller.work()
    assert Call.SUBMIT not in [call.ask for call in poller.plugin.calls]


def test_resume_that_may_be_lost_is_not_followed_by_a_second_code(
    poller: Process, migrated_url: str
) -> None:
    poller.enqueue("order-1")
    poller.work()
    _have_code_wait(poller)
    _have_wait(poller, State.POLLING)

    uprid({**SETTINGS, "DATABASE_URL": migrated_url}, "recover", "--since", "10m", "--note", "n")

    row = operation(poller.database)
    assert row["state"] == State.WAITING_FOR_PERSON.value
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (1, 0, None)
    with poller.database.read() as connection:
        assert connection.execute(select(INPUTS.c.sealed)).scalar_one() is None


def _have_wait(poller: Process, origin: State) -> None:
    waits = State.WAITING_FOR_PERSON.value
    with poller.database.begin() as connection:
        connection.execute(
            update(OPERATIONS).values(state=waits, waiting_from=origin.value, due_at=None)
        )


def _have_code_wait(poller: Process) -> None:
    now = poller.database.now()
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(missing="sms_code", inputs_waiting=1))
        id_ = operation(poller.database)["id"]
        code = {
            "id": new_id(), "operation_id": id_, "attempt": 1, "name": "sms_code",
            "message_id": "m", "fingerprint": "f", "sealed": "token", "at": now,
        }  # fmt: skip
        connection.execute(insert(INPUTS), [code])


@pytest.mark.parametrize("since", ["tomorrow", "2999-01-01T00:00:00Z"])
def test_time_that_cannot_be_meant_is_refused(migrated_url: str, since: str) -> None:
    run = uprid(
        {**SETTINGS, "DATABASE_URL": migrated_url}, "recover", "--since", since, "--note", "n"
    )

    assert run.status == 2
    assert "--since" in run.err
