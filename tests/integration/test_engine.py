"""The engine over a real database, with a scripted provider and time that passes by itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Connection, update

from config.polling import PollPolicy
from config.queues import Provider
from tests.support.broker import MemoryBroker
from tests.support.clock import TravellingDatabase
from tests.support.engine import Process, process
from tests.support.operations import attempts, journal, operation, operations, told, types
from tests.support.processes import wait_until
from tests.support.providers import LIMITS, ScriptedPlugin
from tests.support.schema import bring_to_newest
from tests.support.servers import postgres_server
from worker.engine.decisions import Ask
from worker.errors import DatabaseUnavailable
from worker.operations.model import ATTEMPTS, OPERATIONS
from worker.operations.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    ReasonCode,
    Settle,
    Started,
    Trouble,
)
from worker.operations.states import State
from worker.operations.store import claims, leases, pausing
from worker.privacy.sealing import Sealer, new_key
from worker.providers.base import Work

SUCCEEDED = Finished(State.SUCCEEDED, "result", result={"document_id": 5})
REFUSED = NotSent("connection refused", Trouble.TRANSPORT)
DOWN = Pending("502", Trouble.TRANSPORT)
WRONG_LOGIN = Misconfigured(Reason(ReasonCode.CONFIGURATION, "The login is wrong."), "300.1")
STEADY = PollPolicy(first_after=1, then=5, jitter=0)


@pytest.fixture
def plugin() -> ScriptedPlugin:
    return ScriptedPlugin()


@pytest.fixture
def poller(migrated_url: str, plugin: ScriptedPlugin) -> Iterator[Process]:
    with process(migrated_url, plugin) as made:
        yield made


@contextmanager
def another(poller: Process) -> Iterator[Process]:
    """Run a second process beside the first: the same database, broker and provider."""
    made = Process(poller.database, poller.plugin, poller.broker)
    try:
        yield made
    finally:
        made.close()


def crash_while_holding(poller: Process, limit: int = 100) -> None:
    """Claim what is due and fall silent, as a killed process does; another life begins."""
    with poller.database.begin() as connection:
        now = poller.database.now()
        owner = poller.incarnation.id
        held = claims.claim_suspect(connection, "moneta", owner=owner, token="dead", now=now)
        if not held:
            claims.claim(connection, "moneta", 0, limit, owner=owner, token="dead", now=now)
    poller.die()
    poller.incarnation.beat()


def states(poller: Process) -> list[str]:
    return [row["state"] for row in operations(poller.database)]


# The way of an operation


def test_engine_brings_an_operation_from_submit_over_polls_to_its_end(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.POLL, Pending("CREATED"), Pending("CREATED"), SUCCEEDED)
    poller.enqueue("order-1", payload={"name": "sealed"})

    poller.run(60)

    assert types(poller.database) == [
        "operation.accepted",
        "operation.started",
        "operation.succeeded",
    ]
    assert [call.ask for call in plugin.calls] == [Ask.SUBMIT, Ask.POLL, Ask.POLL, Ask.POLL]
    row, [attempt] = operation(poller.database), attempts(poller.database)
    assert (row["state"], row["polls"], row["due_at"]) == ("succeeded", 3, None)
    assert (attempt["ended_as"], attempt["provider_ref"]) == ("succeeded", "ref-order-1-1")
    assert poller.broker.waiting == []


def test_engine_opens_the_payload_for_the_submit_alone(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.POLL, SUCCEEDED)
    poller.enqueue("order-1", payload={"name": "sealed"})

    poller.run(60)

    assert [call.payload for call in plugin.calls] == [{"name": "sealed"}, None]


def test_engine_polls_by_the_schedule(poller: Process, plugin: ScriptedPlugin) -> None:
    asked = []

    def note(work: Work) -> Outcome:
        asked.append(work.now)
        return Pending("not yet")

    plugin.answers(Ask.POLL, note)
    poller.enqueue("order-1")

    poller.run(40)

    apart = [(after - before).total_seconds() for before, after in pairwise(asked)]
    # After 1 s, thrice after 2 s, then after 10 s; each in the first slot, 1 s wide, that follows.
    assert [pytest.approx(wait + 0.5, abs=0.75) for wait in (2, 2, 2, 10, 10)] == apart[:5]


def test_engine_writes_unchanged_answers_as_one_run(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.POLL, *[Pending("CREATED")] * 4, Pending("INPROGRESS"), SUCCEEDED)
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
    plugin.answers(Ask.SETTLE, Pending("checked", again_in=20), Finished(State.REJECTED, "no"))
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(200)

        assert plugin.asked(Ask.SETTLE) == 2
        assert types(poller.database)[-1] == "operation.rejected"
        notes = [entry["note"] for entry in journal(poller.database) if entry["what"] == "move"]
    assert notes[-2:] == ["polling → settling", "settling → rejected"]


def test_engine_settles_at_once_when_the_provider_has_given_up(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.POLL, Settle("500.7.2"))
    poller.enqueue("order-1")

    poller.run(10)

    assert types(poller.database)[-1] == "operation.expired"
    assert plugin.asked(Ask.SETTLE) == 1


def test_engine_looks_once_more_shortly_before_the_deadline(migrated_url: str) -> None:
    asked = []

    def note(work: Work) -> Outcome:
        assert work.deadline_at is not None
        asked.append((work.deadline_at - work.now).total_seconds())
        return Pending("not yet")

    plugin = ScriptedPlugin(
        deadline=100, last_look=3, policy=PollPolicy(first_after=1, then=60, jitter=0)
    )
    plugin.answers(Ask.POLL, note)
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(300)

        assert [round(left) for left in asked[-1:]] == [pytest.approx(2.5, abs=1)]
        assert states(poller) == ["expired"]


def test_engine_parks_what_nobody_but_a_person_can_tell(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    reason = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody knows this answer.", provider_code="999")
    plugin.answers(Ask.POLL, NeedsPerson(reason, "999", answer="Ответ".encode()))
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
    assert plugin.asked(Ask.POLL) == 1


def test_engine_never_stores_an_answer_in_clear(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Ask.POLL, replace(SUCCEEDED, answer=b"Ivan Ivanov"))
    poller.enqueue("order-1")

    poller.run(10)

    event = told(poller.database)[-1]
    assert event.data["sealed"] == attempts(poller.database)[0]["answer"]
    assert "Ivan" not in str(event) + str(attempts(poller.database))


def test_engine_leaves_a_large_answer_out_of_the_event(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.POLL, replace(SUCCEEDED, answer=b"x" * 65_536))
    poller.enqueue("order-1")

    poller.run(10)

    assert "sealed" not in told(poller.database)[-1].data
    assert len(attempts(poller.database)[0]["answer"]) > 65_536


# Submits are made at most once


def test_engine_sends_a_submit_again_only_when_it_certainly_was_not_sent(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.SUBMIT, REFUSED, REFUSED, Started("77", "taken"))
    poller.enqueue("order-1")

    poller.run(30)

    assert plugin.asked(Ask.SUBMIT) == 3
    assert operation(poller.database)["state"] == "polling"
    assert types(poller.database) == ["operation.accepted", "operation.started"]


def test_engine_gives_up_a_submit_that_never_gets_through(migrated_url: str) -> None:
    plugin = ScriptedPlugin(deadline=60, limits=replace(LIMITS, breaker_failures=1000))
    plugin.answers(Ask.SUBMIT, REFUSED)
    with process(migrated_url, plugin) as poller:
        poller.enqueue("order-1")
        poller.run(300)

        assert states(poller) == ["failed"]
        reason = told(poller.database)[-1].data["reason"]
    assert (reason["code"], reason["retryable"]) == ("provider_unavailable", True)


def test_engine_asks_what_became_of_a_doubtful_submit_and_never_repeats_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.SUBMIT, Doubtful("timed out"))
    plugin.answers(Ask.CLEAR_UP, DOWN, Finished(State.SUCCEEDED, "group simplified"))
    poller.enqueue("order-1")

    poller.run(60)

    assert [call.ask for call in plugin.calls] == [Ask.SUBMIT, Ask.CLEAR_UP, Ask.CLEAR_UP]
    assert states(poller) == ["succeeded"]


def test_engine_asks_what_became_of_a_submit_whose_worker_died(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def die(_: Work) -> Outcome:
        poller.die()
        return Started("77", "taken, and nobody hears of it")

    plugin.answers(Ask.SUBMIT, die)
    poller.enqueue("order-1")
    poller.run(2)
    assert operation(poller.database)["state"] == "submitting"

    poller.work()

    assert [call.ask for call in plugin.calls] == [Ask.SUBMIT, Ask.CLEAR_UP]
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
    plugin.answers(Ask.SUBMIT, lose_the_other)
    poller.enqueue("order-1", "order-2")

    poller.work()

    assert plugin.asked(Ask.SUBMIT) == 1
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
    assert plugin.asked(Ask.SUBMIT, "order-1") == 0
    assert operation(poller.database, "order-2")["state"] == "polling"


# One operation's trouble is its own


def test_engine_keeps_a_stumble_from_chunk_mates(poller: Process, plugin: ScriptedPlugin) -> None:
    def stumble(work: Work) -> Outcome:
        if work.reference == "order-2":
            raise LookupError(work.reference)
        return SUCCEEDED

    plugin.answers(Ask.POLL, stumble)
    poller.enqueue("order-1", "order-2", "order-3")

    poller.run(300)

    assert [operation(poller.database, f"order-{n}")["state"] for n in (1, 2, 3)] == [
        "succeeded",
        "waiting_for_person",
        "succeeded",
    ]
    assert plugin.asked(Ask.POLL, "order-2") == 5
    assert told(poller.database, "order-2")[-1].data["reason"]["provider_code"] == "LookupError"


def test_engine_takes_a_stumble_over_a_submit_for_a_doubtful_one(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def stumble(_: Work) -> Outcome:
        raise LookupError

    plugin.answers(Ask.SUBMIT, stumble)
    poller.enqueue("order-1")

    poller.run(60)

    assert [call.ask for call in plugin.calls] == [Ask.SUBMIT, Ask.CLEAR_UP]


def test_engine_writes_answers_back_while_the_slowest_is_still_awaited(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    released = threading.Event()

    def slow(work: Work) -> Outcome:
        if work.reference == "slow":
            assert released.wait(20)
        return SUCCEEDED

    plugin.answers(Ask.SUBMIT, slow)
    poller.enqueue("slow", *(f"order-{number}" for number in range(10)))
    working = threading.Thread(target=poller.work)
    working.start()
    try:
        wait_until(lambda: states(poller).count("succeeded") == 10, 10, "the others' ends")
        assert operation(poller.database, "slow")["state"] == "submitting"
    finally:
        released.set()
        working.join()
    assert states(poller).count("succeeded") == 11


@pytest.mark.parametrize(
    "awkward",
    [
        pytest.param(Started("7" * 101, "taken"), id="an id that is too long"),
        pytest.param(Started("\x00", "taken"), id="an id that no text column holds"),
        pytest.param(Pending("n", progress={"seen": {1}}), id="a memory that is no JSON"),
        pytest.param(Pending("n", again_in=float("inf")), id="a wait for ever"),
        pytest.param(Pending("\ud800"), id="half a character"),
        pytest.param(Finished(State.SUCCEEDED, "\ud800"), id="half a character at the end"),
        pytest.param(
            Finished(State.SUCCEEDED, "r", result={"when": object()}), id="a result that is no JSON"
        ),
    ],
)
def test_engine_keeps_an_answer_that_cannot_be_written_from_chunk_mates(
    poller: Process, plugin: ScriptedPlugin, awkward: Outcome
) -> None:
    plugin.answers(Ask.SUBMIT, lambda work: awkward if work.reference == "awkward" else SUCCEEDED)
    poller.enqueue("awkward", "order-1", "order-2")

    poller.run(2)

    mates = [operation(poller.database, f"order-{number}")["state"] for number in (1, 2)]
    assert mates == ["succeeded", "succeeded"]


def test_engine_hands_over_an_operation_whose_answers_the_database_refuses(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """An end that contradicts the one that stands must not be asked for again for ever."""
    poller.enqueue("order-1")
    poller.run(1.5)
    with poller.database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(ended_as="expired"))
    plugin.answers(Ask.POLL, SUCCEEDED)

    for _ in range(4):
        poller.database.travel(20)
        poller.work()
    with poller.database.begin() as connection:
        leases.park_poison(connection, poller.database.now())

    assert states(poller) == ["waiting_for_person"]
    assert attempts(poller.database)[0]["ended_as"] == "expired"
    assert plugin.asked(Ask.POLL) == 4


# Poison


def test_engine_works_alone_on_what_died_with_its_worker_twice(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    crash_while_holding(poller)
    crash_while_holding(poller)
    poller.enqueue("order-2", "order-3")

    assert poller.work() == 1
    assert [call.reference for call in plugin.calls] == ["order-1"]
    assert poller.work() == 2
    assert operation(poller.database)["claims"] == 0


def test_engine_wakes_a_successor_for_those_that_waited_behind_a_suspect(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    crash_while_holding(poller)
    crash_while_holding(poller)
    poller.enqueue("order-2")

    poller.run(1.5)

    assert plugin.asked(Ask.SUBMIT) == 2


def test_operation_waits_for_a_person_when_four_workers_died_of_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    for _ in range(4):
        crash_while_holding(poller)
    with poller.database.begin() as connection:
        assert leases.park_poison(connection, poller.database.now()) == ["order-1"]

    assert poller.work() == 0
    assert plugin.calls == []
    assert states(poller) == ["waiting_for_person"]


# The provider's health


def many(count: int) -> list[str]:
    return [f"order-{number}" for number in range(count)]


def test_breaker_opens_within_a_chunk_of_failures(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Ask.SUBMIT, REFUSED)
    poller.enqueue(*many(100))

    poller.run(29)

    assert LIMITS.breaker_failures <= plugin.asked(Ask.SUBMIT)
    assert plugin.asked(Ask.SUBMIT) < LIMITS.breaker_failures + LIMITS.threads
    assert all(row["lease_token"] is None for row in operations(poller.database))
    assert all(row["claims"] == 0 for row in operations(poller.database))


def test_breaker_probes_with_one_request_when_its_time_is_over(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.SUBMIT, REFUSED)
    poller.enqueue(*many(100))
    poller.run(29)
    before = plugin.asked(Ask.SUBMIT)

    poller.run(30)

    assert plugin.asked(Ask.SUBMIT) == before + 1


def test_breaker_closes_when_a_probe_gets_through(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Ask.SUBMIT, REFUSED)
    poller.enqueue(*many(50))
    poller.run(29)
    plugin.answers(Ask.SUBMIT, Started("77", "taken"))

    poller.run(15)

    assert set(states(poller)) == {"polling"}


def test_breaker_lets_one_probe_out_at_a_time(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Ask.SUBMIT, REFUSED)
    poller.enqueue(*many(50))
    poller.run(29)
    before = plugin.asked(Ask.SUBMIT)

    def meanwhile(_: Work) -> Outcome:
        with another(poller) as second:
            assert second.work() == 0
        return REFUSED

    plugin.answers(Ask.SUBMIT, meanwhile)
    poller.run(5)

    assert plugin.asked(Ask.SUBMIT) == before + 1


def test_trouble_behind_the_provider_leaves_the_breaker_closed(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.SUBMIT, NotSent("SMEV is away", Trouble.DEPENDENCY))
    poller.enqueue(*many(30))

    poller.run(1.5)

    assert plugin.asked(Ask.SUBMIT) == 30


def test_retry_after_holds_the_whole_provider(poller: Process, plugin: ScriptedPlugin) -> None:
    throttled = NotSent("429", Trouble.UNAVAILABLE, retry_after=60)
    plugin.answers(Ask.SUBMIT, throttled, Started("77", "taken"))
    poller.enqueue(*many(50))

    poller.run(59)
    assert plugin.asked(Ask.SUBMIT) <= LIMITS.threads

    plugin.answers(Ask.SUBMIT, Started("77", "taken"))
    poller.run(5)
    assert set(states(poller)) == {"polling"}


def test_retry_after_is_kept_when_another_chunk_ends_well_meanwhile(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """A chunk that began before the provider asked for rest knows nothing against it."""
    begun, released = threading.Event(), threading.Event()

    def line(work: Work) -> Outcome:
        if work.reference == "first":
            begun.set()
            assert released.wait(20)
            return replace(SUCCEEDED, calls=2)
        return NotSent("429", Trouble.UNAVAILABLE, retry_after=60)

    plugin.answers(Ask.SUBMIT, line)
    poller.enqueue("first")
    working = threading.Thread(target=poller.work)
    working.start()
    assert begun.wait(20)
    poller.enqueue("second")
    poller.work()
    released.set()
    working.join()

    with poller.database.begin() as connection:
        now = poller.database.now()
        shared = claims.lock_provider(connection, "moneta", now)
    assert shared.closed_until is not None
    assert shared.closed_until > now + timedelta(seconds=50)


def test_misconfigured_pauses_the_provider_with_one_event_and_a_handful_of_calls(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.SUBMIT, WRONG_LOGIN)
    poller.enqueue(*many(500))

    poller.run(600)

    assert plugin.asked(Ask.SUBMIT) <= 2 * LIMITS.threads
    assert set(states(poller)) == {"accepted"}
    assert types(poller.database).count("provider.paused") == 1
    assert len(told(poller.database)) == 501


def test_operations_go_on_where_they_stood_when_the_pause_is_over(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("polling")
    poller.run(1.5)
    plugin.answers(Ask.SUBMIT, WRONG_LOGIN)
    plugin.answers(Ask.POLL, WRONG_LOGIN)
    poller.enqueue("accepted")
    poller.run(20)
    before = len(plugin.calls)
    assert [operation(poller.database, name)["state"] for name in ("polling", "accepted")] == [
        "polling",
        "accepted",
    ]

    plugin.answers(Ask.SUBMIT, Started("77", "taken"))
    plugin.answers(Ask.POLL, SUCCEEDED)
    with poller.database.begin() as connection:
        pausing.unpause(connection, "moneta", "anna", "", poller.database.now())
    poller.wakes.now(Provider.MONETA)
    poller.run(20)

    assert len(plugin.calls) > before
    assert set(states(poller)) == {"succeeded"}


@pytest.mark.parametrize("rate", [0.5, 3.0, 20.0])
def test_rate_is_respected(migrated_url: str, rate: float) -> None:
    limits = replace(LIMITS, rate_per_second=rate, chunk=5)
    plugin = ScriptedPlugin(limits=limits)
    asked = []

    def line(work: Work) -> Outcome:
        asked.append(work.now)
        return SUCCEEDED

    plugin.answers(Ask.SUBMIT, line)
    with process(migrated_url, plugin) as poller:
        poller.enqueue(*many(100))
        begun = poller.database.now()
        poller.run(10)
        passed = (poller.database.now() - begun).total_seconds()

    # The bucket starts full, with a second's worth.
    assert len(asked) <= rate * passed + max(rate, 1)
    assert len(asked) >= min(rate * 4, 60)
    for first in asked:
        within = sum(0 <= (at - first).total_seconds() < 1 for at in asked)
        assert within <= 2 * max(rate, 1) + 1


def test_submits_get_through_while_polls_use_up_the_rate(migrated_url: str) -> None:
    plugin = ScriptedPlugin(
        limits=replace(LIMITS, rate_per_second=20, chunk=10),
        policy=PollPolicy(first_after=1, then=1, jitter=0),
    )
    with process(migrated_url, plugin) as poller:
        poller.enqueue(*many(60))
        poller.run(15)
        poller.enqueue("urgent")
        poller.run(2)

        assert plugin.asked(Ask.SUBMIT, "urgent") == 1


def test_doubled_messages_multiply_neither_calls_nor_messages(migrated_url: str) -> None:
    plugin = ScriptedPlugin(limits=replace(LIMITS, rate_per_second=5, chunk=5))
    plugin.answers(Ask.SUBMIT, SUCCEEDED)
    with process(migrated_url, plugin) as poller:
        poller.enqueue(*many(40))
        for _ in range(100):
            poller.wakes.now(Provider.MONETA)
        before = poller.broker.published
        poller.run(20)

        assert plugin.asked(Ask.SUBMIT) == 40
        assert poller.broker.published - before < 200


# Leases


def test_answer_is_told_as_late_when_the_lease_was_lost_in_the_middle(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    poller.run(1.5)

    def lose(_: Work) -> Outcome:
        with poller.database.begin() as connection:
            connection.execute(update(OPERATIONS).values(lease_token="another"))
        return SUCCEEDED

    plugin.answers(Ask.POLL, lose)
    poller.run(5)

    assert types(poller.database) == [
        "operation.accepted",
        "operation.started",
        "operation.late_answer",
    ]
    assert [event.data["sequence"] for event in told(poller.database)] == [1, 2, 3]
    assert operation(poller.database)["state"] == "polling"
    assert operation(poller.database)["lease_token"] == "another"


def test_unchanged_answer_is_dropped_when_the_lease_was_lost(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    poller.run(1.5)

    def lose(_: Work) -> Outcome:
        with poller.database.begin() as connection:
            connection.execute(update(OPERATIONS).values(lease_token="another"))
        return Pending("not yet")

    plugin.answers(Ask.POLL, lose)
    poller.run(5)

    assert types(poller.database) == ["operation.accepted", "operation.started"]


def test_stop_in_the_middle_gives_the_rest_back(poller: Process, plugin: ScriptedPlugin) -> None:
    def stop(_: Work) -> Outcome:
        poller.incarnation.stop()
        return SUCCEEDED

    plugin.answers(Ask.SUBMIT, stop)
    poller.enqueue(*many(50))

    worked = poller.work()

    assert worked == plugin.asked(Ask.SUBMIT) <= LIMITS.threads
    assert states(poller).count("succeeded") == worked
    left = [row for row in operations(poller.database) if row["state"] == "accepted"]
    assert len(left) == 50 - worked
    assert {(row["lease_token"], row["claims"]) for row in left} == {(None, 0)}
    assert poller.work() == 0


def test_another_process_goes_on_when_one_has_stopped(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.SUBMIT, SUCCEEDED)
    poller.enqueue(*many(10))
    poller.incarnation.stop()
    assert poller.work() == 0

    with another(poller) as second:
        assert second.work() == 10


def test_processes_share_the_work_and_double_none_of_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.limits = replace(LIMITS, chunk=7)
    plugin.answers(Ask.SUBMIT, SUCCEEDED)
    with another(poller) as second:
        poller.enqueue(*many(100))
        poller.database.travel(1)
        both = [threading.Thread(target=lambda one=one: drain(one)) for one in (poller, second)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()

    assert plugin.asked(Ask.SUBMIT) == 100
    assert set(states(poller)) == {"succeeded"}
    assert types(poller.database).count("operation.succeeded") == 100


def drain(poller: Process) -> None:
    while poller.work():
        pass


def test_engine_turns_away_a_third_chunk_and_calls_again_for_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    released = threading.Event()
    inside = threading.Semaphore(0)

    def slow(_: Work) -> Outcome:
        inside.release()
        assert released.wait(20)
        return SUCCEEDED

    plugin.limits = replace(LIMITS, chunk=1)
    plugin.answers(Ask.SUBMIT, slow)
    poller.enqueue("order-1", "order-2", "order-3")
    poller.broker.flush()
    working = [threading.Thread(target=poller.work) for _ in range(2)]
    for thread in working:
        thread.start()
    try:
        assert inside.acquire(timeout=20)
        assert inside.acquire(timeout=20)
        assert poller.work() == 0
        assert plugin.asked(Ask.SUBMIT) == 2
        poller.broker.flush()
    finally:
        released.set()
        for thread in working:
            thread.join()

    assert len(poller.broker.waiting) >= 1
    assert poller.work() == 1


# Messages


def test_message_that_comes_early_goes_back_with_what_remains(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    poller.broker.flush()
    slot = poller.database.now() + timedelta(seconds=30)

    assert poller.work(slot) == 0

    [message] = poller.broker.waiting
    assert message.slot == slot
    assert abs((message.deliver_at - slot).total_seconds()) < 2
    assert plugin.calls == []


def test_message_that_comes_a_moment_early_leaves_nothing_of_its_slot_behind(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("order-1")
    slot = poller.database.now() + timedelta(seconds=0.04)
    with poller.database.begin() as connection:
        connection.execute(update(OPERATIONS).values(due_at=slot))

    assert poller.work(slot) == 1


def test_message_for_a_provider_that_is_off_does_nothing(poller: Process) -> None:
    engine = poller.engine
    engine._plugins = {}

    assert poller.work() == 0


def test_work_goes_on_when_wakes_were_lost_and_somebody_looks(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.SUBMIT, SUCCEEDED)
    poller.broker.away = True
    poller.enqueue("order-1")
    poller.run(10)
    assert plugin.calls == []

    poller.broker.away = False
    poller.wakes.now(Provider.MONETA)  # as the sweep does
    poller.run(10)

    assert states(poller) == ["succeeded"]


def test_engine_rings_the_relay_when_there_is_something_to_tell(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Ask.POLL, Pending("not yet"))
    poller.enqueue("order-1")
    poller.work()
    assert poller.bell.rung == 1

    poller.database.travel(10)
    poller.work()

    assert (plugin.asked(Ask.POLL), poller.bell.rung) == (1, 1)


# The database


class Forgetful(TravellingDatabase):
    """A database that commits and then does not say so, once for each time it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.unconfirmed = 0

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction; it may fail although it is committed."""
        with super().begin() as connection:
            yield connection
        if self.unconfirmed:
            self.unconfirmed -= 1
            raise DatabaseUnavailable


def test_answers_are_told_once_when_their_commit_was_never_confirmed(
    migrated_url: str, plugin: ScriptedPlugin
) -> None:
    database = Forgetful(migrated_url)
    poller = Process(database, plugin, MemoryBroker(database))
    poller.enqueue("order-1")
    poller.run(1.5)

    def line(_: Work) -> Outcome:
        database.unconfirmed = 1
        return SUCCEEDED

    plugin.answers(Ask.POLL, line)
    poller.run(5)
    poller.close()
    database.dispose()

    assert types(poller.database) == [
        "operation.accepted",
        "operation.started",
        "operation.succeeded",
    ]


@pytest.mark.postgres
# The driver finds out that its server went away only when it is asked, which is the point here.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_answers_are_not_lost_when_the_database_goes_away_before_they_are_written() -> None:
    plugin = ScriptedPlugin()
    with postgres_server() as server:
        url = server.create_database(bring_to_newest)
        with process(url, plugin) as poller:
            poller.enqueue(*many(5))
            poller.run(1.5)
            assert set(states(poller)) == {"polling"}
            gone = threading.Barrier(LIMITS.threads, action=server.stop, timeout=20)
            first = threading.local()

            def line(_: Work) -> Outcome:
                if not hasattr(first, "been"):
                    first.been = True
                    if gone.wait() == 0:
                        threading.Timer(1.5, server.start).start()
                return SUCCEEDED

            plugin.answers(Ask.POLL, line)
            poller.database.travel(10)

            assert poller.work() == 5
            assert set(states(poller)) == {"succeeded"}
            assert types(poller.database).count("operation.succeeded") == 5
            assert "operation.late_answer" not in types(poller.database)
