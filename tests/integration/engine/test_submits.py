"""Submits are made at most once, through every failure."""

from dataclasses import replace

from sqlalchemy import update

from tests.support.engine.operations import operation, told, types
from tests.support.engine.process import Process, process, states
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from uprid_client.contract.states import State
from uprid_client.sealing import Sealer, new_key
from worker.domain.outcomes import Doubtful, Finished, NotSent, Outcome, Pending, Started, Trouble
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store.tables import ATTEMPTS, OPERATIONS

SUCCEEDED = Finished(State.SUCCEEDED, "result", result={"document_id": 5})
REFUSED = NotSent("connection refused", Trouble.TRANSPORT)
DOWN = Pending("502", Trouble.TRANSPORT)


def test_engine_sends_a_submit_again_only_when_it_certainly_was_not_sent(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, REFUSED, REFUSED, Started("77", "taken"))
    poller.enqueue("order-1")

    poller.run(30)

    assert plugin.asked(Call.SUBMIT) == 3
    assert operation(poller.database)["state"] == "polling"
    assert types(poller.database) == ["operation.accepted", "operation.started"]


def test_engine_gives_up_a_submit_that_never_gets_through(migrated_url: str) -> None:
    plugin = ScriptedPlugin(deadline=60, limits=replace(LIMITS, breaker_failures=1000))
    plugin.answers(Call.SUBMIT, REFUSED)
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(300)

        assert states(poller) == ["failed"]
        reason = told(poller.database)[-1].data["reason"]
    assert (reason["code"], reason["retryable"]) == ("provider_unavailable", True)


def test_engine_asks_what_became_of_a_doubtful_submit_and_never_repeats_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, Doubtful("timed out"))
    plugin.answers(Call.CLEAR_UP, DOWN, Finished(State.SUCCEEDED, "group simplified"))
    poller.enqueue("order-1")

    poller.run(60)

    assert [call.ask for call in plugin.calls] == [Call.SUBMIT, Call.CLEAR_UP, Call.CLEAR_UP]
    assert states(poller) == ["succeeded"]


def test_engine_asks_what_became_of_a_submit_whose_worker_died(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def die(_: Work) -> Outcome:
        poller.die()
        return Started("77", "taken, and nobody hears of it")

    plugin.answers(Call.SUBMIT, die)
    poller.enqueue("order-1")
    poller.run(2)
    assert operation(poller.database)["state"] == "submitting"

    poller.work()

    assert [call.ask for call in plugin.calls] == [Call.SUBMIT, Call.CLEAR_UP]
    assert states(poller) == ["waiting_for_person"]
    late = next(e for e in told(poller.database) if e.type.endswith("late_answer"))
    assert late.data["provider_ref"] == "77"


def test_engine_does_not_submit_when_the_lease_was_lost_before(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def lose_the_other(work: Work) -> Outcome:
        with poller.database.begin() as connection:
            connection.execute(
                update(OPERATIONS).where(OPERATIONS.c.id != work.id).values(lease_token="another")
            )
        return Started("77", "taken")

    plugin.limits = replace(LIMITS, threads=1)
    plugin.answers(Call.SUBMIT, lose_the_other)
    poller.enqueue("order-1", "order-2")

    poller.work()

    assert plugin.asked(Call.SUBMIT) == 1
    assert sorted(states(poller)) == ["accepted", "polling"]


def test_engine_parks_a_payload_that_does_not_open_and_asks_nobody(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1", "order-2", payload={"a": 1})
    foreign = Sealer([new_key()]).seal({"a": 1})
    with poller.database.begin() as connection:
        first = operation(poller.database, "order-1")["id"]
        connection.execute(
            update(ATTEMPTS).where(ATTEMPTS.c.operation_id == first).values(sealed=foreign)
        )

    poller.work()

    row = operation(poller.database, "order-1")
    assert (row["state"], row["waiting_from"]) == ("waiting_for_person", "accepted")
    assert told(poller.database, "order-1")[-1].data["reason"]["code"] == "payload_unreadable"
    assert plugin.asked(Call.SUBMIT, "order-1") == 0
    assert operation(poller.database, "order-2")["state"] == "polling"
