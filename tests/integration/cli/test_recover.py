"""`uprid recover`: what a fail-over may have lost the mark of is put in doubt, and not sent."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from tests.support.engine.operations import journal, operation
from tests.support.engine.process import Process, process
from tests.support.processes.command import uprid
from uprid_client.contract.states import State
from worker.domain.ids import new_id
from worker.engine.calls import Call
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
    now = poller.database.now()
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(missing="sms_code", inputs_waiting=1))
        id_ = operation(poller.database)["id"]
        code = {
            "id": new_id(), "operation_id": id_, "attempt": 1, "name": "sms_code",
            "message_id": "m", "fingerprint": "f", "sealed": "token", "at": now,
        }  # fmt: skip
        connection.execute(insert(INPUTS), [code])
    settings = {**SETTINGS, "DATABASE_URL": migrated_url}

    uprid(settings, "recover", "--since", "10m", "--note", "fail-over")
    poller.work()

    row = operation(poller.database)
    assert (row["inputs_sent"], row["inputs_waiting"], row["missing"]) == (1, 0, None)
    assert [call.ask for call in poller.plugin.calls][-1] is Call.POLL


def test_what_was_paused_all_the_time_is_left_out(poller: Process, migrated_url: str) -> None:
    poller.enqueue("order-1")
    with poller.database.begin() as connection:
        long_ago = poller.database.now() - timedelta(hours=1)
        connection.execute(update(PROVIDERS).values(paused_at=long_ago))

    run = uprid(
        {**SETTINGS, "DATABASE_URL": migrated_url}, "recover", "--since", "10m", "--note", "n"
    )

    assert run.out.startswith("nothing may have been sent")


@pytest.mark.parametrize("since", ["tomorrow", "2999-01-01T00:00:00Z"])
def test_time_that_cannot_be_meant_is_refused(migrated_url: str, since: str) -> None:
    run = uprid(
        {**SETTINGS, "DATABASE_URL": migrated_url}, "recover", "--since", since, "--note", "n"
    )

    assert run.status == 2
    assert "--since" in run.err
