"""Steps before the submit: each recorded, none redone, and the submit still made once."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.support.engine.invoices import invoice
from tests.support.engine.operations import journal, operation, told, types
from tests.support.engine.process import Process, process, states
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Reason,
    Started,
    Trouble,
)
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store import resolutions, retries
from worker.store.actions import Action
from worker.store.invoice_tables import INVOICE_FETCHES, INVOICES
from worker.store.tables import OPERATIONS

SUCCEEDED = Finished(State.SUCCEEDED, "result")
REFUSED = NotSent("connection refused", Trouble.TRANSPORT)
UNSURE = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody can tell.")
STEPS = 3


@pytest.fixture
def plugin() -> ScriptedPlugin:
    made = ScriptedPlugin(prepares=True)
    made.answers(Call.PREPARE, step)
    return made


def step(work: Work) -> Outcome:
    """Do one of three steps; what each is remembered by is kept."""
    done = int(work.progress.get("kept", 0)) + 1
    return Prepared(f"step {done}", {**work.progress, "kept": done, "ready": done == STEPS})


def progress(poller: Process) -> Any:  # noqa: ANN401 - any JSON that the plugin remembered
    return json.loads(operation(poller.database)["progress"] or "{}")


def asks(plugin: ScriptedPlugin) -> list[Call]:
    return [call.ask for call in plugin.calls]


def resume(poller: Process) -> None:
    action = Action("order-1", 1, "anna", "asked by phone")
    carry_over = partial(poller.plugin.carry_over, next_attempt=False)
    with poller.database.begin() as connection:
        resolutions.resume(connection, action, None, carry_over, poller.database.now())


def retry(poller: Process) -> None:
    action = Action("order-1", 1, "anna", "asked by phone")
    carry_over = partial(poller.plugin.carry_over, next_attempt=True)
    with poller.database.begin() as connection:
        now = poller.database.now()
        retries.retry(connection, action, None, now + timedelta(hours=1), carry_over, now)


def test_engine_does_every_step_before_the_submit_one_after_the_other(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1", payload={"name": "sealed"})

    poller.run(2)

    assert asks(plugin) == [Call.PREPARE] * STEPS + [Call.SUBMIT]
    assert {json.dumps(call.payload) for call in plugin.calls} == {'{"name": "sealed"}'}
    row = operation(poller.database)
    assert (row["state"], row["polls"], row["faults"]) == ("polling", 0, 0)
    assert progress(poller) == {"kept": 3, "ready": True}
    calls = [entry["note"] for entry in journal(poller.database) if entry["what"] == "call"]
    assert calls == ["step 1", "step 2", "step 3", "taken"]
    assert types(poller.database) == ["operation.accepted", "operation.started"]


def test_engine_marks_nothing_before_a_step(poller: Process, plugin: ScriptedPlugin) -> None:
    seen: list[str] = []

    def look(work: Work) -> Outcome:
        seen.append(operation(poller.database)["state"])
        return step(work)

    plugin.answers(Call.PREPARE, look)
    poller.enqueue("order-1")
    poller.run(2)

    assert seen == ["accepted"] * STEPS


@pytest.mark.parametrize("at", [1, 2, 3])
def test_engine_goes_on_where_it_stopped_when_its_process_dies_during_step(
    poller: Process, plugin: ScriptedPlugin, at: int
) -> None:
    done: list[int] = []

    def die(work: Work) -> Outcome:
        outcome = step(work)
        assert isinstance(outcome, Prepared)
        done.append(outcome.progress["kept"])
        if done.count(at) == 1 and done[-1] == at:
            poller.die()
            poller.incarnation.beat()
        return outcome

    plugin.answers(Call.PREPARE, die)
    poller.enqueue("order-1")
    poller.run(2)
    poller.work()
    poller.run(2)

    # Only the step that was never written down is done again.
    assert done == sorted([1, 2, 3, at])
    assert plugin.asked(Call.SUBMIT) == 1
    assert states(poller) == ["polling"]


def test_engine_submits_once_when_its_process_dies_after_the_last_step(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def die(_: Work) -> Outcome:
        poller.die()
        poller.incarnation.beat()
        return Started("77", "taken, and nobody hears of it")

    plugin.answers(Call.SUBMIT, die)
    poller.enqueue("order-1")
    poller.run(2)
    poller.work()

    assert asks(plugin) == [Call.PREPARE] * STEPS + [Call.SUBMIT, Call.CLEAR_UP]
    assert states(poller) == ["waiting_for_person"]


def test_engine_repeats_a_step_that_did_not_get_through_and_no_other(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    failed: list[Work] = []

    def stumble_once(work: Work) -> Outcome:
        if work.progress.get("kept") == 1 and not failed:
            failed.append(work)
            return REFUSED
        return step(work)

    plugin.answers(Call.PREPARE, stumble_once)
    poller.enqueue("order-1")
    poller.run(10)

    assert asks(plugin)[: STEPS + 2] == [Call.PREPARE] * (STEPS + 1) + [Call.SUBMIT]
    assert operation(poller.database)["faults"] == 0


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(REFUSED, id="never gets through"),
        pytest.param(Pending("queued", again_in=5), id="takes its time for ever"),
    ],
)
def test_engine_gives_up_a_step_that(migrated_url: str, trouble: Outcome) -> None:
    plugin = ScriptedPlugin(deadline=60, prepares=True)
    plugin.answers(Call.PREPARE, trouble)
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(300)

        assert states(poller) == ["failed"]
        assert told(poller.database)[-1].data["reason"]["code"] == "provider_unavailable"
    assert plugin.asked(Call.SUBMIT) == 0


def test_engine_keeps_a_step_that_has_nothing_to_submit_to_itself(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.PREPARE, Started("77", "queued", again_in=1))
    plugin.answers(Call.POLL, SUCCEEDED)
    poller.enqueue("order-1")

    poller.run(10)

    assert asks(plugin) == [Call.PREPARE, Call.POLL]
    assert types(poller.database) == [
        "operation.accepted",
        "operation.started",
        "operation.succeeded",
    ]


def test_resume_goes_on_with_the_step_at_which_a_person_was_needed(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def unsure(work: Work) -> Outcome:
        return NeedsPerson(UNSURE, "unsure") if work.progress.get("kept") == 1 else step(work)

    plugin.answers(Call.PREPARE, unsure)
    poller.enqueue("order-1")
    poller.run(2)
    assert operation(poller.database)["waiting_from"] == "accepted"
    plugin.answers(Call.PREPARE, step)

    resume(poller)
    poller.work()

    assert progress(poller) == {"kept": 2, "ready": False}


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        pytest.param(resume, {"kept": 3, "same": "s"}, id="a resume"),
        pytest.param(retry, {"kept": 3}, id="a retry"),
    ],
)
def test_progress_keeps_what_the_plugin_says_over(
    poller: Process,
    plugin: ScriptedPlugin,
    how: Callable[[Process], None],
    kept: object,
) -> None:
    remembered = {"kept": 3, "same": "s", "unknown": 4, "ready": True}
    plugin.answers(Call.POLL, Pending("n", progress=remembered), NeedsPerson(UNSURE, "unsure"))
    poller.enqueue("order-1")
    poller.run(30)
    assert states(poller) == ["waiting_for_person"]

    how(poller)

    assert progress(poller) == kept


def test_doubt_about_a_submit_leaves_its_steps_as_they_were(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, Doubtful("timed out"))
    plugin.answers(Call.CLEAR_UP, SUCCEEDED)
    poller.enqueue("order-1")

    poller.run(10)

    assert asks(plugin) == [Call.PREPARE] * STEPS + [Call.SUBMIT, Call.CLEAR_UP]


# Records


def invoices(poller: Process) -> list[int]:
    with poller.database.read() as connection:
        return list(connection.execute(select(INVOICES.c.id).order_by(INVOICES.c.id)).scalars())


def links(poller: Process) -> list[int]:
    with poller.database.read() as connection:
        found = select(INVOICE_FETCHES.c.invoice_id).order_by(INVOICE_FETCHES.c.invoice_id)
        return list(connection.execute(found).scalars())


def page(number: int) -> Pending:
    records = [invoice(2 * number), invoice(2 * number + 1)]
    return Pending(f"page {number}", again_in=0, progress={"page": number}, records=records)


def pages(last: int) -> Iterator[Outcome]:
    for number in range(1, last):
        yield page(number)
    records = [invoice(2 * last), invoice(2 * last + 1)]
    yield Finished(State.SUCCEEDED, "the last page", records=records, with_totals=True)


def test_records_are_stored_page_by_page_with_the_progress_and_counted_at_the_end(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, *pages(3))
    poller.enqueue("order-1")

    poller.run(30)

    assert invoices(poller) == links(poller) == [2, 3, 4, 5, 6, 7]
    assert told(poller.database)[-1].data["result"]["invoices"] == 6


def test_records_of_a_lost_lease_are_not_stored(poller: Process, plugin: ScriptedPlugin) -> None:
    poller.enqueue("order-1")
    poller.run(2)

    def lose(_: Work) -> Outcome:
        with poller.database.begin() as connection:
            connection.execute(update(OPERATIONS).values(lease_token="another"))
        return page(1)

    plugin.answers(Call.POLL, lose)
    poller.run(5)

    assert (invoices(poller), links(poller)) == ([], [])
    assert "page" not in progress(poller)


def test_records_are_stored_once_when_the_process_dies_before_they_are_written(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    asked: list[int] = []

    def die_once(work: Work) -> Outcome:
        number = int(work.progress.get("page", 0)) + 1
        asked.append(number)
        if asked == [1, 2]:
            poller.die()
            poller.incarnation.beat()
        return page(number) if number < 4 else SUCCEEDED

    plugin.answers(Call.POLL, die_once)
    poller.enqueue("order-1")
    poller.run(10)
    poller.work()
    poller.run(10)

    assert asked == [1, 2, 2, 3, 4]
    assert invoices(poller) == links(poller) == [2, 3, 4, 5, 6, 7]
    assert states(poller) == ["succeeded"]


def test_record_that_cannot_be_written_leaves_no_progress_behind(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """Or the page that it stood on would be skipped."""
    broken = Pending("page 1", progress={"page": 1}, records=[invoice(1, state="\ud800")])
    plugin.answers(Call.POLL, broken)
    poller.enqueue("order-1")
    poller.run(2)
    poller.database.travel(2)

    poller.work()

    assert plugin.asked(Call.POLL) == 1
    assert "page" not in progress(poller)
    assert operation(poller.database)["lease_token"] is None
