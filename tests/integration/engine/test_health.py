"""The provider's health: breaker, rest, pause and rate."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from config.polling import PollPolicy
from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import StillDatabase
from tests.support.engine.operations import operation, operations, told, types
from tests.support.engine.process import Process, another, many, process, states
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Started,
    Trouble,
)
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store import claims, provider_pauses
from worker.store.tables import OPERATIONS

SUCCEEDED = Finished(State.SUCCEEDED, "result", result={"document_id": 5})
REFUSED = NotSent("connection refused", Trouble.TRANSPORT)
SICK_POLL = Pending("http 503", Trouble.UNAVAILABLE)
WRONG_LOGIN = Misconfigured(Reason(ReasonCode.CONFIGURATION, "The login is wrong."), "300.1")


def polled_later(poller: Process) -> None:
    """Have one operation polled once the breaker's first rest is over."""
    poller.enqueue("polled")
    later = poller.database.now() + timedelta(seconds=29)
    with poller.database.begin() as connection:
        connection.execute(
            update(OPERATIONS).values(
                state=State.POLLING.value, lane=claims.ORDINARY, due_at=later, started_at=later
            )
        )


def test_breaker_opens_within_a_chunk_of_failures(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Call.SUBMIT, REFUSED)
    poller.enqueue(*many(100))

    poller.run(29)

    assert LIMITS.breaker_failures <= plugin.asked(Call.SUBMIT)
    assert plugin.asked(Call.SUBMIT) < LIMITS.breaker_failures + LIMITS.threads
    assert all(row["lease_token"] is None for row in operations(poller.database))
    assert all(row["claims"] == 0 for row in operations(poller.database))


def test_breaker_probes_with_one_request_when_its_time_is_over(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, REFUSED)
    plugin.answers(Call.POLL, SICK_POLL)
    polled_later(poller)
    poller.enqueue(*many(100))
    poller.run(29)
    before = len(plugin.calls)

    poller.run(30)

    assert len(plugin.calls) == before + 1
    assert plugin.calls[-1].ask is Call.POLL


def test_submit_is_no_probe_where_only_submits_are_due(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """Behind a gateway that answers 503, each of them would end before a person."""
    plugin.answers(Call.SUBMIT, Doubtful("http 503", Trouble.UNAVAILABLE))
    plugin.seen = SICK_POLL
    poller.enqueue(*many(100))
    poller.run(29)
    before = plugin.asked(Call.SUBMIT)

    poller.run(300)

    assert plugin.asked(Call.SUBMIT) == before
    assert 9 <= plugin.looks <= 11


def test_submit_is_tried_alone_once_the_host_answers_a_look(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """The host may answer a look, and fail at what is asked of it."""
    plugin.answers(Call.SUBMIT, REFUSED)
    poller.enqueue(*many(100))
    poller.run(29)
    before = plugin.asked(Call.SUBMIT)

    poller.run(30)

    assert plugin.looks == 1
    assert plugin.asked(Call.SUBMIT) == before + 1


def test_look_is_taken_where_a_question_needs_no_call(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """As NPD's, which sends notifications: they say nothing of its health."""
    plugin.answers(Call.SUBMIT, REFUSED)
    plugin.answers(Call.POLL, Pending("no notification yet", calls=0))
    plugin.seen = SICK_POLL
    polled_later(poller)
    poller.enqueue(*many(100))
    poller.run(29)

    poller.run(30)

    assert plugin.asked(Call.POLL) >= 1
    assert plugin.looks == 1


def test_host_is_not_looked_at_while_nothing_is_due(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    with poller.database.begin() as connection:
        claims.lock_provider(connection, Provider.MONETA, poller.database.now())
        claims.write_shared(connection, Provider.MONETA, failures=LIMITS.breaker_failures)

    poller.work()

    assert plugin.looks == 0


def test_breaker_closes_when_a_probe_gets_through(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Call.SUBMIT, REFUSED)
    poller.enqueue(*many(50))
    poller.run(29)
    plugin.answers(Call.SUBMIT, Started("77", "taken"))

    poller.run(15)

    assert set(states(poller)) == {"polling"}


def test_breaker_lets_one_probe_out_at_a_time(poller: Process, plugin: ScriptedPlugin) -> None:
    plugin.answers(Call.SUBMIT, REFUSED)
    poller.enqueue(*many(50))
    poller.run(29)
    before = plugin.asked(Call.SUBMIT)

    def meanwhile(_: Work) -> Outcome:
        with another(poller) as second:
            assert second.work() == 0
        return REFUSED

    plugin.answers(Call.SUBMIT, meanwhile)
    poller.run(5)

    assert plugin.asked(Call.SUBMIT) == before + 1


def test_trouble_behind_the_provider_leaves_the_breaker_closed(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.answers(Call.SUBMIT, NotSent("SMEV is away", Trouble.DEPENDENCY))
    poller.enqueue(*many(30))

    poller.run(1.5)

    assert plugin.asked(Call.SUBMIT) == 30


def test_retry_after_holds_the_whole_provider(poller: Process, plugin: ScriptedPlugin) -> None:
    throttled = NotSent("429", Trouble.UNAVAILABLE, retry_after=60)
    plugin.answers(Call.SUBMIT, throttled, Started("77", "taken"))
    poller.enqueue(*many(50))

    poller.run(59)
    assert plugin.asked(Call.SUBMIT) <= LIMITS.threads

    plugin.answers(Call.SUBMIT, Started("77", "taken"))
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

    plugin.answers(Call.SUBMIT, line)
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
    plugin.answers(Call.SUBMIT, WRONG_LOGIN)
    poller.enqueue(*many(500))

    poller.run(600)

    assert plugin.asked(Call.SUBMIT) <= 2 * LIMITS.threads
    assert set(states(poller)) == {"accepted"}
    assert types(poller.database).count("provider.paused") == 1
    assert len(told(poller.database)) == 501


def test_operations_go_on_where_they_stood_when_the_pause_is_over(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    poller.enqueue("polling")
    poller.run(1.5)
    plugin.answers(Call.SUBMIT, WRONG_LOGIN)
    plugin.answers(Call.POLL, WRONG_LOGIN)
    poller.enqueue("accepted")
    poller.run(20)
    before = len(plugin.calls)
    assert [operation(poller.database, name)["state"] for name in ("polling", "accepted")] == [
        "polling",
        "accepted",
    ]

    plugin.answers(Call.SUBMIT, Started("77", "taken"))
    plugin.answers(Call.POLL, SUCCEEDED)
    with poller.database.begin() as connection:
        provider_pauses.unpause(connection, "moneta", "anna", "", poller.database.now())
    poller.wakeups.now(Provider.MONETA)
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

    plugin.answers(Call.SUBMIT, line)
    with process(migrated_url, plugin, StillDatabase) as poller:
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
    with process(migrated_url, plugin, StillDatabase) as poller:
        poller.enqueue(*many(60))
        poller.run(15)
        poller.enqueue("urgent")
        poller.run(2)

        assert plugin.asked(Call.SUBMIT, "urgent") == 1


def test_doubled_messages_multiply_neither_calls_nor_messages(migrated_url: str) -> None:
    plugin = ScriptedPlugin(limits=replace(LIMITS, rate_per_second=5, chunk=5))
    plugin.answers(Call.SUBMIT, SUCCEEDED)
    with process(migrated_url, plugin, StillDatabase) as poller:
        poller.enqueue(*many(40))
        for _ in range(100):
            poller.wakeups.now(Provider.MONETA)
        before = poller.broker.published
        poller.run(20)

        assert plugin.asked(Call.SUBMIT) == 40
        assert poller.broker.published - before < 200


@pytest.mark.parametrize("rate", [0.5, 1, 1.5])
def test_polls_are_made_beside_a_backlog_of_submits_however_low_the_rate(
    migrated_url: str, rate: float
) -> None:
    plugin = ScriptedPlugin(limits=replace(LIMITS, rate_per_second=rate))
    with process(migrated_url, plugin, StillDatabase) as poller:
        poller.enqueue("polled")
        poller.run(5)
        poller.enqueue(*many(100))

        poller.run(60)

        assert plugin.asked(Call.SUBMIT) > 2
        assert plugin.asked(Call.POLL) > 2


def test_bucket_is_not_filled_twice_when_a_claim_waited_long_for_its_turn(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    plugin.limits = replace(LIMITS, chunk=5)
    poller.enqueue(*many(20))
    poller.work()
    with poller.database.begin() as connection:
        before = claims.lock_provider(connection, Provider.MONETA, poller.database.now())

    # Its time is from before the other claim.
    poller.database.travel(-10)
    with poller.database.begin() as connection:
        early = poller.database.now() - timedelta(seconds=1)
        connection.execute(update(OPERATIONS).values(due_at=early))
    poller.work()

    with poller.database.begin() as connection:
        after = claims.lock_provider(connection, Provider.MONETA, poller.database.now())
    assert after.tokens < before.tokens
    assert after.tokens_at == before.tokens_at


class Sluggish(StillDatabase):
    """A database that is waited for before a transaction begins."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        #: Seconds that the next transactions are waited for.
        self.delays: list[float] = []

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction."""
        if self.delays:
            self.travel(self.delays.pop(0))
        with super().begin() as connection:
            yield connection


@pytest.fixture
def sluggish(migrated_url: str) -> Iterator[tuple[Sluggish, ScriptedPlugin, Process]]:
    """A process of a provider that takes one request in ten seconds, with much to do."""
    plugin = ScriptedPlugin(limits=replace(LIMITS, rate_per_second=0.1))
    database = Sluggish(migrated_url)
    poller = Process(database, plugin, MemoryBroker(database))
    poller.enqueue(*many(20))
    yield database, plugin, poller
    poller.close()
    database.dispose()


def test_rate_is_respected_by_who_comes_after_a_claim_that_waited_for_its_transaction(
    sluggish: tuple[Sluggish, ScriptedPlugin, Process],
) -> None:
    database, _, poller = sluggish

    database.delays = [20]

    assert poller.work() + poller.work() == 1


def test_rate_is_respected_by_who_comes_after_a_probe_that_waited_to_tell_that_it_got_through(
    sluggish: tuple[Sluggish, ScriptedPlugin, Process],
) -> None:
    database, plugin, poller = sluggish
    with database.begin() as connection:
        claims.lock_provider(connection, Provider.MONETA, database.now())
        claims.write_shared(connection, Provider.MONETA, failures=LIMITS.breaker_failures)
        # What is only asked about may try whether the provider is back.
        connection.execute(
            update(OPERATIONS).values(state=State.POLLING.value, lane=claims.ORDINARY)
        )

    def line(_: Work) -> Outcome:
        # The write-back, and then what is shared of the provider.
        database.delays = [0, 20]
        return SUCCEEDED

    plugin.answers(Call.POLL, line)

    assert poller.work() + poller.work() == 1
    assert database.delays == []
