"""After any error at any place no lease stays behind, and every operation goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import (
    DatabaseError,
    InterfaceError,
    InternalError,
    InvalidRequestError,
    NotSupportedError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
    StatementError,
)

from tests.support.engine.operations import operations, types
from tests.support.engine.process import Process, another, many, states
from tests.support.processes.child import wait_until
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.states import State
from uprid_client.errors import DatabaseUnavailable
from worker.domain.outcomes import Finished, Outcome
from worker.engine.calls import Answer, Call
from worker.engine.chunk import FLUSH_EVERY, Chunk
from worker.engine.decisions import decide
from worker.providers.protocol import Work
from worker.store.changes import Transition, Unchanged
from worker.store.claims import ClaimedSnapshot

SUCCEEDED: Final = Finished(State.SUCCEEDED, "result")
#: Transactions that a chunk makes at most here.
_TRANSACTIONS: Final = 6


def _of_the_driver(kind: type[DatabaseError]) -> DatabaseError:
    return kind("", {}, psycopg.DatabaseError())


_ERRORS: Final = (
    DatabaseUnavailable(),
    *(
        _of_the_driver(kind)
        for kind in (
            DatabaseError,
            InternalError,
            NotSupportedError,
            OperationalError,
            ProgrammingError,
        )
    ),
    InterfaceError("", {}, psycopg.InterfaceError()),
    PendingRollbackError(""),
    InvalidRequestError(""),
    StatementError("", "", {}, TypeError()),
    RuntimeError(),
    MemoryError(),
)


class Failing:
    """A database whose n-th transaction fails, before it begins or after its commit."""

    def __init__(self, poller: Process, number: int, error: Exception, *, committed: bool) -> None:
        self._begin = poller.database.begin
        self._number = number
        self._error = error
        self._committed = committed
        self.failed = False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction, unless it is its turn to fail."""
        self._number -= 1
        self.failed = self.failed or self._number == 0
        if self._number == 0 and not self._committed:
            raise self._error
        with self._begin() as connection:
            yield connection
        if self._number == 0:
            raise self._error


@pytest.mark.parametrize("committed", [False, True], ids=["not made", "not confirmed"])
@pytest.mark.parametrize("error", _ERRORS, ids=lambda error: type(error).__name__)
def test_no_error_of_the_database_keeps_a_lease_or_an_answer(
    poller: Process,
    plugin: ScriptedPlugin,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    committed: bool,
) -> None:
    plugin.answers(Call.SUBMIT, SUCCEEDED)
    monkeypatch.setattr(poller.incarnation, "pause", lambda _: None)
    for number in range(1, _TRANSACTIONS + 1):
        poller.enqueue(f"order-{number}")
        failing = Failing(poller, number, error, committed=committed)
        with monkeypatch.context() as patch:
            patch.setattr(poller.database, "begin", failing.begin)
            try:
                poller.work()
            except Exception as raised:
                if raised is not error:
                    raise
        if not failing.failed:
            break

        poller.incarnation.beat()

        assert {row["lease_token"] for row in operations(poller.database)} == {None}
        poller.database.travel(1)
        poller.run(30)
    else:
        pytest.fail("not every transaction has failed once")
    # Where it is not known whether a submit was sent it may wait for a person; nothing else does.
    assert set(states(poller)) <= {"succeeded", "waiting_for_person"}
    assert states(poller).count("succeeded") >= number - 1
    assert "operation.late_answer" not in types(poller.database)


def test_mistake_of_ours_after_the_claim_frees_the_chunk_and_counts(
    poller: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends its chunk again and again by a mistake of ours ends up before a person."""

    def stumble(*_: object) -> None:
        raise RuntimeError

    poller.enqueue("order-1")
    monkeypatch.setattr("worker.engine.engine.Working.run", stumble)

    for claims in range(1, 4):
        with pytest.raises(RuntimeError):
            poller.work()
        poller.incarnation.beat()
        row = operations(poller.database)[0]
        assert (row["lease_token"], row["claims"]) == (None, claims)


def test_answers_are_written_although_a_thread_beside_them_stumbled(
    poller: Process, plugin: ScriptedPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbled = threading.Event()

    def slowly(_: Work) -> Outcome:
        stumbled.wait(30)
        # Longer than a chunk takes to see that one of its threads has ended.
        threading.Event().wait(2 * FLUSH_EVERY)
        return SUCCEEDED

    real = poller.engine._mark

    def stumble(chunk: Chunk, row: ClaimedSnapshot, now: datetime) -> bool:
        if row.reference == "order-2":
            # The others are under way.
            wait_until(lambda: plugin.asked(Call.SUBMIT) == 2, 30, "two submits")
            stumbled.set()
            raise RuntimeError
        return real(chunk, row, now)

    plugin.answers(Call.SUBMIT, slowly)
    poller.enqueue(*many(3))
    monkeypatch.setattr(poller.engine, "_mark", stumble)

    with pytest.raises(RuntimeError):
        poller.work()

    ended = {row["reference"]: row["state"] for row in operations(poller.database)}
    assert ended == {"order-0": "succeeded", "order-1": "succeeded", "order-2": "accepted"}


def test_answer_that_cannot_be_decided_costs_nobody_elses(
    poller: Process, plugin: ScriptedPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(answer: Answer, *rest: Any) -> Unchanged | Transition:
        if answer.snapshot.reference == "order-0":
            raise KeyError
        return decide(answer, *rest)

    plugin.answers(Call.SUBMIT, SUCCEEDED)
    poller.enqueue(*many(3))
    monkeypatch.setattr("worker.engine.recording.decide", stumble)

    poller.work()

    assert sorted(states(poller)) == ["submitting", "succeeded", "succeeded"]
    assert {row["lease_token"] for row in operations(poller.database)} == {None}


def test_operation_whose_call_never_returns_is_worked_on_by_another(
    poller: Process, plugin: ScriptedPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking up a host's name has no time limit."""
    monkeypatch.setattr("worker.engine.engine.longest_wait", lambda _: 0.1)
    poller.enqueue("order-1")
    poller.run(1.5)
    hangs, returns = threading.Event(), threading.Event()

    def line(_: Work) -> Outcome:
        if not hangs.is_set():
            hangs.set()
            returns.wait(60)
        return SUCCEEDED

    plugin.answers(Call.POLL, line)
    poller.database.travel(10)
    working = threading.Thread(target=poller.work)
    working.start()
    assert hangs.wait(30)

    def freed() -> bool:
        poller.incarnation.beat()
        return operations(poller.database)[0]["lease_token"] is None

    wait_until(freed, 30, "its lease to be free")
    with another(poller) as second:
        assert second.work() == 1
    assert states(poller) == ["succeeded"]

    returns.set()
    working.join(30)
    assert types(poller.database)[-2:] == ["operation.succeeded", "operation.late_answer"]
