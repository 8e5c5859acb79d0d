"""The way of an operation: submit, polls, settlement, end."""

from dataclasses import replace
from itertools import pairwise

import pytest

from config.polling import PollPolicy
from tests.support.engine.operations import attempts, journal, operation, told, types
from tests.support.engine.process import Process, process, states
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.outcomes import Finished, NeedsPerson, Outcome, Pending, Reason, Settle
from worker.engine.calls import Call
from worker.providers.protocol import Work

SUCCEEDED = Finished(State.SUCCEEDED, "result", result={"document_id": 5})
STEADY = PollPolicy(first_after=1, then=5, jitter=0)


def test_engine_brings_an_operation_from_submit_over_polls_to_its_end(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, Pending("CREATED"), Pending("CREATED"), SUCCEEDED)
    poller.enqueue("order-1", payload={"name": "sealed"})

    poller.run(60)

    assert types(poller.database) == [
        "operation.accepted",
        "operation.started",
        "operation.succeeded",
    ]
    assert [call.ask for call in plugin.calls] == [Call.SUBMIT, Call.POLL, Call.POLL, Call.POLL]
    row, [attempt] = operation(poller.database), attempts(poller.database)
    assert (row["state"], row["polls"], row["due_at"]) == ("succeeded", 3, None)
    assert (attempt["ended_as"], attempt["provider_ref"]) == ("succeeded", "ref-order-1-1")
    assert poller.broker.waiting == []


def test_engine_opens_the_payload_for_the_submit_alone(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, SUCCEEDED)
    poller.enqueue("order-1", payload={"name": "sealed"})

    poller.run(60)

    assert [call.payload for call in plugin.calls] == [{"name": "sealed"}, None]


def test_engine_polls_by_the_schedule(poller: Process, plugin: ScriptedPlugin) -> None:
    asked = []

    def note(work: Work) -> Outcome:
        asked.append(work.now)
        return Pending("not yet")

    plugin.answers(Call.POLL, note)
    poller.enqueue("order-1")

    poller.run(40)

    apart = [(after - before).total_seconds() for before, after in pairwise(asked)]
    # After 1 s, thrice after 2 s, then after 10 s; each in the first slot, 1 s wide, that follows.
    assert [pytest.approx(wait + 0.5, abs=0.75) for wait in (2, 2, 2, 10, 10)] == apart[:5]


def test_engine_writes_unchanged_answers_as_one_run(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, *[Pending("CREATED")] * 4, Pending("INPROGRESS"), SUCCEEDED)
    poller.enqueue("order-1")

    poller.run(120)

    calls = [entry for entry in journal(poller.database) if entry["what"] == "call"]
    assert [(entry["note"], entry["count"]) for entry in calls] == [
        ("taken", 1),
        ("CREATED", 4),
        ("INPROGRESS", 1),
        ("result", 1),
    ]


def test_engine_settles_what_has_passed_its_deadline(migrated_url: str) -> None:
    plugin = ScriptedPlugin(deadline=30, policy=STEADY)
    plugin.answers(Call.SETTLE, Pending("checked", again_in=20), Finished(State.REJECTED, "no"))
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(200)

        assert plugin.asked(Call.SETTLE) == 2
        assert types(poller.database)[-1] == "operation.rejected"
        notes = [entry["note"] for entry in journal(poller.database) if entry["what"] == "move"]
    assert notes[-2:] == ["polling → settling", "settling → rejected"]


def test_engine_settles_at_once_when_the_provider_has_given_up(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, Settle("500.7.2"))
    poller.enqueue("order-1")

    poller.run(10)

    assert types(poller.database)[-1] == "operation.expired"
    assert plugin.asked(Call.SETTLE) == 1


def test_engine_looks_once_more_shortly_before_the_deadline(migrated_url: str) -> None:
    asked = []

    def note(work: Work) -> Outcome:
        assert work.deadline_at is not None
        asked.append((work.deadline_at - work.now).total_seconds())
        return Pending("not yet")

    plugin = ScriptedPlugin(
        deadline=100, last_look=3, policy=PollPolicy(first_after=1, then=60, jitter=0)
    )
    plugin.answers(Call.POLL, note)
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(300)

        assert [round(left) for left in asked[-1:]] == [pytest.approx(2.5, abs=1)]
        assert states(poller) == ["expired"]


def test_engine_parks_what_nobody_but_a_person_can_tell(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    reason = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody knows this answer.", provider_code="999")
    plugin.answers(Call.POLL, NeedsPerson(reason, "999", answer="Ответ".encode()))
    poller.enqueue("order-1")

    poller.run(3600)

    row, [attempt] = operation(poller.database), attempts(poller.database)
    assert (row["state"], row["waiting_from"], row["due_at"]) == (
        "waiting_for_person",
        "polling",
        None,
    )
    assert attempt["ended_as"] is None
    assert attempt["answer"].startswith("gAAAA")
    assert told(poller.database)[-1].data["reason"]["code"] == "unknown_answer"
    assert plugin.asked(Call.POLL) == 1


def test_engine_never_stores_an_answer_in_clear(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Call.POLL, replace(SUCCEEDED, answer=b"Ivan Ivanov"))
    poller.enqueue("order-1")

    poller.run(10)

    event = told(poller.database)[-1]
    assert event.data["sealed"] == attempts(poller.database)[0]["answer"]
    assert "Ivan" not in str(event) + str(attempts(poller.database))


def test_engine_leaves_a_large_answer_out_of_the_event(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, replace(SUCCEEDED, answer=b"x" * 65_536))
    poller.enqueue("order-1")

    poller.run(10)

    assert "sealed" not in told(poller.database)[-1].data
    assert len(attempts(poller.database)[0]["answer"]) > 65_536
