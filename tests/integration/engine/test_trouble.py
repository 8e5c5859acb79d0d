"""One operation's trouble is its own: stumbles, slowness, answers that cannot be written."""

import threading

import pytest
from sqlalchemy import update

from tests.support.engine.operations import attempts, operation, told
from tests.support.engine.process import Process, many, states
from tests.support.processes.child import wait_until
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.outcomes import Finished, Outcome, Pending, Started
from worker.engine.calls import Call
from worker.providers.protocol import Work
from worker.store import claims, leases
from worker.store.tables import ATTEMPTS, OPERATIONS

SUCCEEDED = Finished(State.SUCCEEDED, "result", result={"document_id": 5})


def crash_while_holding(poller: Process, limit: int = 100) -> None:
    """Claim what is due and fall silent, as a killed process does; another life begins."""
    with poller.database.begin() as connection:
        now = poller.database.now()
        owner = poller.incarnation.id
        claim_suspect, claim_alone = claims.claim_suspect, claims.claim_alone
        for claim in (claim_suspect, claim_alone):
            if claim(connection, "moneta", owner=owner, lease_id="dead", now=now):
                break
        else:
            claims.claim(connection, "moneta", 0, limit, owner=owner, lease_id="dead", now=now)
    poller.die()
    poller.incarnation.beat()


def suspect(poller: Process, references: list[str]) -> None:
    """Have operations be polled whose pollers were killed twice."""
    poller.enqueue(*references)
    now = poller.database.now()
    with poller.database.begin() as connection:
        connection.execute(
            update(OPERATIONS).values(
                state=State.POLLING.value,
                lane=claims.ORDINARY,
                started_at=now,
                claims=claims.SUSPECT_AFTER,
            )
        )


def test_submit_does_not_wait_behind_what_killed_pollers_left(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    suspect(poller, many(400))
    poller.enqueue("fresh")

    for _ in range(3):
        poller.work()

    assert plugin.asked(Call.SUBMIT, "fresh") == 1
    assert plugin.asked(Call.POLL) >= 1


def test_suspects_are_worked_on_beside_a_backlog_of_submits(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """Neither do they wait until all the others are done."""
    suspect(poller, many(4))
    poller.enqueue(*(f"fresh-{number}" for number in range(2 * LIMITS.chunk)))

    for _ in range(4):
        poller.work()

    # On a slow machine the first of them is due again by now, and polled once more.
    assert sum(plugin.asked(Call.POLL, each) > 0 for each in many(4)) == 2


def test_last_suspect_is_woken_for_by_the_chunk_of_others_before_it(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    suspect(poller, ["doubted"])
    poller.enqueue("fresh")
    poller.engine._taker._others_next.add(Provider.MONETA)

    poller.work()
    poller.run(0.5)

    assert [call.ask for call in plugin.calls][:2] == [Call.SUBMIT, Call.POLL]


def test_engine_keeps_a_stumble_from_chunk_mates(poller: Process, plugin: ScriptedPlugin) -> None:
    def stumble(work: Work) -> Outcome:
        if work.reference == "order-2":
            raise LookupError(work.reference)
        return SUCCEEDED

    plugin.answers(Call.POLL, stumble)
    poller.enqueue("order-1", "order-2", "order-3")

    poller.run(300)

    assert [operation(poller.database, f"order-{n}")["state"] for n in (1, 2, 3)] == [
        "succeeded",
        "waiting_for_person",
        "succeeded",
    ]
    assert plugin.asked(Call.POLL, "order-2") == 5
    assert told(poller.database, "order-2")[-1].data["reason"]["provider_code"] == "LookupError"


def test_engine_takes_a_stumble_over_a_submit_for_a_doubtful_one(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    def stumble(_: Work) -> Outcome:
        raise LookupError

    plugin.answers(Call.SUBMIT, stumble)
    poller.enqueue("order-1")

    poller.run(60)

    assert [call.ask for call in plugin.calls] == [Call.SUBMIT, Call.CLEAR_UP]


def test_engine_writes_answers_back_while_the_slowest_is_still_awaited(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    released = threading.Event()

    def slow(work: Work) -> Outcome:
        if work.reference == "slow":
            assert released.wait(20)
        return SUCCEEDED

    plugin.answers(Call.SUBMIT, slow)
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


def test_calls_that_hang_hold_up_no_more_than_their_threads(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """Each in a chunk of its own, as where little is due: all but one of the four threads."""
    released = threading.Event()

    def slow(work: Work) -> Outcome:
        if work.reference.startswith("slow"):
            assert released.wait(30)
        return SUCCEEDED

    plugin.answers(Call.SUBMIT, slow)
    messages: list[threading.Thread] = []

    def is_asked(reference: str) -> bool:
        # Messages come again and again; one that is turned away leaves it at that.
        messages.append(threading.Thread(target=poller.work))
        messages[-1].start()
        return plugin.asked(Call.SUBMIT, reference) == 1

    try:
        for reference in ("slow-1", "slow-2", "slow-3", "order-1"):
            poller.enqueue(reference)
            wait_until(lambda: is_asked(reference), 10, "a call", interval=0.1)  # noqa: B023
        wait_until(lambda: states(poller).count("succeeded") == 1, 10, "an end")
        assert states(poller).count("submitting") == 3
    finally:
        released.set()
        for thread in messages:
            thread.join()
    assert states(poller) == ["succeeded"] * 4


def test_chunk_that_was_turned_away_is_begun_when_another_steps_aside(
    poller: Process, plugin: ScriptedPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Time enough to be turned away before one of them steps aside.
    monkeypatch.setattr("worker.engine.chunk.FLUSH_EVERY", 3.0)
    released = threading.Event()

    def slow(work: Work) -> Outcome:
        if work.reference.startswith("slow"):
            assert released.wait(30)
        return SUCCEEDED

    plugin.answers(Call.SUBMIT, slow)
    hanging = [threading.Thread(target=poller.work) for _ in range(2)]
    try:
        for number, thread in enumerate(hanging):
            poller.enqueue(f"slow-{number}")
            thread.start()
            wait_until(lambda: plugin.asked(Call.SUBMIT) == number + 1, 10, "a call", interval=0.01)  # noqa: B023
        while poller.broker.take() is not None:
            pass
        assert poller.work() == 0, "this one is turned away"

        wait_until(lambda: poller.broker.waiting, 10, "a message in its stead")
    finally:
        released.set()
        for thread in hanging:
            thread.join()


def test_single_submit_does_not_wait_until_another_chunk_is_drawn(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    released = threading.Event()

    def slow(work: Work) -> Outcome:
        if work.reference != "single":
            assert released.wait(30)
        return SUCCEEDED

    plugin.answers(Call.SUBMIT, slow)
    poller.enqueue(*many(20))
    working = [threading.Thread(target=poller.work) for _ in range(2)]
    working[0].start()
    try:
        wait_until(lambda: plugin.asked(Call.SUBMIT) == LIMITS.threads, 10, "all threads at work")
        poller.enqueue("single")
        working[1].start()
        wait_until(
            lambda: operation(poller.database, "single")["state"] == "succeeded", 5, "its end"
        )
    finally:
        released.set()
        for thread in working:
            thread.join()


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
    plugin.answers(Call.SUBMIT, lambda work: awkward if work.reference == "awkward" else SUCCEEDED)
    poller.enqueue("awkward", "order-1", "order-2")

    poller.run(2)

    mates = [operation(poller.database, f"order-{number}")["state"] for number in (1, 2)]
    assert mates == ["succeeded", "succeeded"]


def test_engine_hands_over_an_operation_whose_answers_the_database_refuses(
    poller: Process, plugin: ScriptedPlugin
) -> None:
    """An end that contradicts the one that stands must not be asked for again without end."""
    poller.enqueue("order-1")
    poller.run(1.5)
    with poller.database.begin() as connection:
        connection.execute(update(ATTEMPTS).values(ended_as="expired"))
    plugin.answers(Call.POLL, SUCCEEDED)

    for _ in range(4):
        poller.database.travel(20)
        poller.work()
    with poller.database.begin() as connection:
        leases.park_poison(connection, poller.database.now())

    assert states(poller) == ["waiting_for_person"]
    assert attempts(poller.database)[0]["ended_as"] == "expired"
    assert plugin.asked(Call.POLL) == 4


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

    assert plugin.asked(Call.SUBMIT) == 2


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
