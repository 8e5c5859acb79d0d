"""What a person decides while the engine works: answers that come late, attempts that go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.support.engine.operations import attempts, forgets, journal, operation, told, types
from tests.support.engine.process import SEALER, Process, process
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.sealing import Sealer, new_key
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    NeedsPerson,
    Outcome,
    Pending,
    Reason,
    Started,
)
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store import callbacks, resolutions, retries
from worker.store.actions import Action, Done
from worker.store.tables import ATTEMPTS

SUCCEEDED = Finished(State.SUCCEEDED, "result", result={"document_id": 5}, answer=b"the whole")
NO_ANSWER = Finished(State.EXPIRED, "no answer")
UNKNOWN = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody knows this answer.")
#: Beyond the scripted provider's deadline.
TOO_LONG = 700
PREFIX = "operation."


@pytest.fixture
def plugin() -> ScriptedPlugin:
    return ScriptedPlugin()


@pytest.fixture
def poller(migrated_url: str, plugin: ScriptedPlugin) -> Iterator[Process]:
    with process(migrated_url, plugin) as made:
        yield made


@contextmanager
def another(poller: Process, plugin: ScriptedPlugin) -> Iterator[Process]:
    """Run a second process beside the first: the same database, broker and provider."""
    made = Process(poller.database, plugin, poller.broker)
    try:
        yield made
    finally:
        made.close()


def action(attempt: int = 1) -> Action:
    return Action("order-1", attempt, "anna", "looked at it")


def cancel(poller: Process) -> None:
    with poller.database.begin() as connection:
        done = resolutions.cancel(connection, action(), poller.database.now())
    assert done == (Done.DONE, State.CANCELLED)


def retry(poller: Process, attempt: int = 1) -> Done:
    now = poller.database.now()
    with poller.database.begin() as connection:
        give_up_at = now + timedelta(seconds=600)
        done, _ = retries.retry(connection, action(attempt), None, give_up_at, forgets, now)
    return done


def resume(
    poller: Process, provider_ref: str | None = None, anew: timedelta | None = None
) -> State | None:
    with poller.database.begin() as connection:
        now = poller.database.now()
        done, state = resolutions.resume(
            connection, action(), provider_ref, forgets, now, lambda _: anew
        )
    assert done is Done.DONE
    return state


def expire(poller: Process, plugin: ScriptedPlugin) -> None:
    """Have another process find the attempt past its deadline, its lease being free again."""
    poller.die()
    poller.database.travel(TOO_LONG)
    with another(poller, plugin) as second:
        assert second.work() == 1
    assert operation(poller.database)["state"] == "expired"
    poller.incarnation.beat()


def expire_and_retry(poller: Process, plugin: ScriptedPlugin) -> None:
    expire(poller, plugin)
    assert retry(poller) is Done.DONE


def short(poller: Process) -> list[str]:
    return [kind.removeprefix(PREFIX) for kind in types(poller.database, "order-1")]


# Answers that come late

Meanwhile = Callable[[Process, ScriptedPlugin], None]


@pytest.mark.parametrize(
    ("meanwhile", "expected", "state"),
    [
        pytest.param(
            expire,
            ["accepted", "started", "expired", "late_answer"],
            "expired",
            id="after expired",
        ),
        pytest.param(
            lambda poller, _: cancel(poller),
            ["accepted", "started", "cancelled", "late_answer"],
            "cancelled",
            id="after cancel",
        ),
        pytest.param(
            expire_and_retry,
            ["accepted", "started", "expired", "accepted", "late_answer"],
            "accepted",
            id="after a retry",
        ),
    ],
)
def test_late_success_is_journaled_and_told_once_and_ends_nothing(
    poller: Process,
    plugin: ScriptedPlugin,
    meanwhile: Meanwhile,
    expected: list[str],
    state: str,
) -> None:
    poller.enqueue("order-1")
    poller.run(1.5)

    def slowly(_: Work) -> Outcome:
        plugin.answers(Call.POLL, Pending("not yet"))
        meanwhile(poller, plugin)
        return SUCCEEDED

    plugin.answers(Call.POLL, slowly)
    poller.database.travel(5)
    poller.work()

    assert short(poller) == expected
    assert operation(poller.database)["state"] == state
    events = told(poller.database)
    assert [event.data["sequence"] for event in events] == list(range(1, len(events) + 1))
    late = events[-1]
    assert (late.attempt, late.terminal) == (1, False)
    assert (late.data["state"], late.data["result"]) == ("succeeded", {"document_id": 5})
    assert SEALER.open_bytes(late.data["sealed"]) == b"the whole"
    [entry] = [entry for entry in journal(poller.database) if entry["what"] == "late"]
    assert (entry["attempt"], entry["note"]) == (1, "answer came too late: succeeded (result)")
    assert attempts(poller.database)[0]["ended_as"] == expected[2]
    assert operation(poller.database)["lease_token"] is None


def test_retried_attempt_ends_by_its_own_answer_and_not_by_the_late_one(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    poller.run(1.5)

    def slowly(_: Work) -> Outcome:
        plugin.answers(Call.POLL, Finished(State.REJECTED, "no"))
        expire_and_retry(poller, plugin)
        return SUCCEEDED

    plugin.answers(Call.POLL, slowly)
    poller.database.travel(5)
    poller.work()
    poller.wakeups.now(plugin.name)
    poller.run(30)

    assert short(poller)[-3:] == ["late_answer", "started", "rejected"]
    assert [(event.attempt, event.type) for event in told(poller.database) if event.terminal] == [
        (1, "uprid.operation.expired"),
        (2, "uprid.operation.rejected"),
    ]
    assert plugin.asked(Call.SUBMIT) == 2


def test_submit_that_was_taken_after_its_cancel_is_told_with_the_providers_id(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def meanwhile(_: Work) -> Outcome:
        cancel(poller)
        return Started("37027", "taken")

    plugin.answers(Call.SUBMIT, meanwhile)
    poller.enqueue("order-1")
    poller.run(60)

    assert short(poller) == ["accepted", "cancelled", "late_answer"]
    assert told(poller.database)[-1].data["provider_ref"] == "37027"
    assert journal(poller.database)[-1]["note"].endswith("provider's id 37027")
    assert plugin.asked(Call.POLL) == 0


# Retries


def test_retry_that_is_delivered_twice_makes_one_attempt_and_one_submit(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.POLL, Finished(State.REJECTED, "no"))
    poller.enqueue("order-1")
    poller.run(10)

    assert [retry(poller), retry(poller)] == [Done.DONE, Done.IGNORED]
    poller.wakeups.now(plugin.name)
    poller.run(30)
    assert retry(poller) is Done.IGNORED
    poller.run(30)

    assert plugin.asked(Call.SUBMIT) == 2
    assert short(poller).count("rejected") == 2
    assert [row["number"] for row in attempts(poller.database)] == [1, 2]


# Attempts that go on


def wait_for_clearing_up(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Call.SUBMIT, Doubtful("timed out"))
    poller.enqueue("order-1")
    poller.run(60)
    assert operation(poller.database)["state"] == "waiting_for_person"


def test_doubtful_submit_is_polled_under_the_id_that_a_person_found(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    polled = []

    def poll(work: Work) -> Outcome:
        polled.append(work.provider_ref)
        return SUCCEEDED

    plugin.answers(Call.POLL, poll)
    wait_for_clearing_up(poller, plugin)

    assert resume(poller, "37027") is State.POLLING
    poller.work()

    assert polled == ["37027"]
    assert short(poller) == ["accepted", "waiting_for_person", "started", "succeeded"]
    assert (plugin.asked(Call.SUBMIT), plugin.asked(Call.CLEAR_UP)) == (1, 1)


def test_doubtful_submit_is_cleared_up_again_and_not_repeated_when_it_is_just_resumed(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    wait_for_clearing_up(poller, plugin)
    plugin.answers(Call.CLEAR_UP, SUCCEEDED)

    assert resume(poller) is State.SUBMITTING
    poller.work()

    assert (plugin.asked(Call.SUBMIT), plugin.asked(Call.CLEAR_UP)) == (1, 2)
    assert short(poller)[-1] == "succeeded"


def test_attempt_that_is_resumed_after_its_deadline_is_settled_at_once(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SETTLE, SUCCEEDED)
    wait_for_clearing_up(poller, plugin)
    poller.database.travel(TOO_LONG)

    resume(poller, "37027")
    poller.work()

    assert (plugin.asked(Call.POLL), plugin.asked(Call.SETTLE)) == (0, 1)
    assert short(poller)[-1] == "succeeded"


def test_attempt_that_is_resumed_after_its_deadline_is_asked_again_where_nothing_else_tells_its_end(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """As Mandarin's: a session that a person found may still want its code."""
    wait_for_clearing_up(poller, plugin)
    poller.database.travel(TOO_LONG)
    plugin.answers(Call.POLL, Pending("not yet"), SUCCEEDED)

    resume(poller, "37027", anew=timedelta(seconds=600))
    poller.work()
    assert short(poller)[-1] == "started"
    poller.run(60)

    assert (plugin.asked(Call.POLL), plugin.asked(Call.SETTLE)) == (2, 0)
    assert short(poller)[-1] == "succeeded"


def test_unknown_answer_is_asked_for_as_often_as_before_when_it_is_resumed(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    seen = []

    def note(work: Work) -> Outcome:
        seen.append((dict(work.progress), work.consecutive_failures))
        return SUCCEEDED

    plugin.answers(
        Call.POLL,
        Pending("not yet", progress={"unknown": 3}),
        NeedsPerson(UNKNOWN, "999"),
    )
    poller.enqueue("order-1")
    poller.run(20)
    plugin.answers(Call.POLL, note)

    assert resume(poller) is State.POLLING
    poller.work()

    assert seen == [({}, 0)]
    assert [event.attempt for event in told(poller.database) if event.terminal] == [1]


def test_payload_whose_key_was_put_back_is_submitted_once(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1", payload={"a": 1})
    token = attempts(poller.database)[0]["sealed"]

    def store(sealed: str) -> None:
        with poller.database.begin() as connection:
            connection.execute(update(ATTEMPTS).values(sealed=sealed))

    store(Sealer([new_key()]).seal({"a": 1}))
    poller.work()
    assert operation(poller.database)["waiting_from"] == "accepted"
    store(token)

    assert resume(poller) is State.ACCEPTED
    poller.work()

    assert [call.payload for call in plugin.calls] == [{"a": 1}]
    assert operation(poller.database)["state"] == "polling"


def test_callback_has_the_poll_made_sooner(poller: Process, plugin: ScriptedPlugin) -> None:
    poller.enqueue("order-1")
    poller.run(30)
    before = plugin.asked(Call.POLL)
    plugin.answers(Call.POLL, SUCCEEDED)
    poller.database.travel(1.1)
    with poller.database.begin() as connection:
        now = poller.database.now()
        for _ in range(5):
            callbacks.hasten(connection, "moneta", "ref-order-1-1", now)
    poller.wakeups.now(plugin.name)

    assert operation(poller.database)["due_at"] == now
    poller.run(0.1)

    assert plugin.asked(Call.POLL) == before + 1
    assert short(poller)[-1] == "succeeded"


def test_settlement_goes_on_where_it_was(migrated_url: str) -> None:
    plugin = ScriptedPlugin(deadline=30)
    plugin.answers(
        Call.SETTLE, Pending("anonymous", again_in=5), NeedsPerson(UNKNOWN, "group"), NO_ANSWER
    )
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(120)
        assert operation(poller.database)["waiting_from"] == "settling"

        assert resume(poller) is State.SETTLING
        poller.work()

        assert short(poller)[-1] == "expired"
