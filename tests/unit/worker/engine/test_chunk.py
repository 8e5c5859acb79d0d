"""A chunk: one operation's trouble never touches its mates, and a halt leaves the rest undone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.engine.operations import NOW
from tests.support.providers.scripted import LIMITS, ScriptedPlugin
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.errors import DatabaseUnavailable, Unsealable
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Started,
    Trouble,
)
from worker.engine.admission import Health
from worker.engine.calls import Answer, Call
from worker.engine.chunk import Chunk, Working
from worker.engine.halt import Halt
from worker.providers.protocol import Work
from worker.store.claims import ClaimedSnapshot
from worker.store.input_delivery import Supplying

PENDING = Pending("not yet")
FAILED = Pending("502", Trouble.TRANSPORT)
MISCONFIGURED = Misconfigured(Reason(ReasonCode.CONFIGURATION, "Wrong."), "300.1")


def claimed(number: int = 0, state: State = State.POLLING) -> ClaimedSnapshot:
    return ClaimedSnapshot(
        id=f"id-{number}",
        reference=f"order-{number}",
        provider="moneta",
        kind="identification",
        state=state,
        attempt=1,
        args={"unit_id": 7},
        provider_ref="77",
        due_at=NOW,
        deadline_at=NOW + timedelta(hours=1),
        polls=0,
        consecutive_failures=0,
        progress='{"a": 1}',
        created_at=NOW,
        started_at=NOW,
        run=None,
    )


class Guard:
    """Lets so many requests through, then halts."""

    def __init__(self, through: int = 1_000_000, why: Halt = Halt.STOPPING) -> None:
        self._through = through
        self._why = why
        self.asked_for: set[float] = set()

    def halted(self, taken_at: float, lease_id: str | None = None) -> Halt | None:
        del lease_id
        self.asked_for.add(taken_at)
        self._through -= 1
        return self._why if self._through < 0 else None


@pytest.fixture
def plugin() -> ScriptedPlugin:
    return ScriptedPlugin()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(LIMITS.threads) as made:
        yield made


def unseal(lease_id: str) -> object:
    if lease_id == "foreign":
        raise Unsealable
    return {"name": lease_id} if lease_id != "list" else ["no object"]


def working(
    plugin: ScriptedPlugin,
    rows: list[ClaimedSnapshot],
    guard: Guard | None = None,
    *,
    payloads: dict[str, str | None] | None = None,
    mark: Callable[[ClaimedSnapshot, datetime], bool] = lambda *_: True,
    supply: Callable[[ClaimedSnapshot, datetime], Supplying | None] = lambda *_: None,
) -> Working:
    chunk = Chunk(rows, payloads or {}, {}, "token", NOW, time.monotonic())
    return Working(chunk, plugin, guard or Guard(), unseal=unseal, mark=mark, supply=supply)


def run(work: Working, executor: ThreadPoolExecutor, threads: int = 4) -> list[Answer]:
    answers: list[Answer] = []
    work.run(executor, threads, answers.extend, lambda: None)
    return answers


def rows(count: int, state: State = State.POLLING) -> list[ClaimedSnapshot]:
    return [claimed(number, state) for number in range(count)]


@pytest.mark.parametrize("threads", [1, 4])
def test_chunk_asks_for_each_operation_once(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor, threads: int
) -> None:
    work = working(plugin, rows(30))

    answers = run(work, executor, threads)

    assert sorted(a.snapshot.id for a in answers) == sorted(row.id for row in rows(30))
    assert plugin.asked(Call.POLL) == work.calls == 30
    assert work.flawless
    assert work.health == Health(0, any_answered=True)


def test_chunk_asks_what_each_state_calls_for(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    states = [State.ACCEPTED, State.SUBMITTING, State.POLLING, State.SETTLING]
    past = replace(claimed(4), deadline_at=NOW)

    answers = run(working(plugin, [*map(claimed, range(4), states), past]), executor)

    assert {a.snapshot.reference: a.call for a in answers} == {
        "order-0": Call.SUBMIT,
        "order-1": Call.CLEAR_UP,
        "order-2": Call.POLL,
        "order-3": Call.SETTLE,
        "order-4": Call.SETTLE,
    }


def test_chunk_shows_the_plugin_what_it_needs(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    seen: list[Work] = []

    def line(work: Work) -> Outcome:
        seen.append(work)
        return PENDING

    plugin.answers(Call.POLL, line)
    run(working(plugin, rows(1)), executor)

    [work] = seen
    assert (work.args, work.progress, work.provider_ref) == ({"unit_id": 7}, {"a": 1}, "77")
    assert (work.payload, work.state) == (None, State.POLLING)
    assert NOW <= work.now < NOW + timedelta(minutes=1)


@pytest.mark.parametrize("threads", [1, 4])
def test_chunk_gives_answers_out_while_the_slowest_is_awaited(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor, threads: int
) -> None:
    released, flushed = threading.Event(), threading.Event()

    def slow(work: Work) -> Outcome:
        if work.reference == "order-19":
            assert released.wait(10)
        return PENDING

    def flush(answers: list[Answer]) -> None:
        got.extend(answers)
        if len(got) == 19:
            flushed.set()

    got: list[Answer] = []
    plugin.answers(Call.POLL, slow)
    work = working(plugin, rows(20))
    thread = threading.Thread(target=lambda: work.run(executor, threads, flush, lambda: None))
    thread.start()
    try:
        assert flushed.wait(5)
    finally:
        released.set()
        thread.join()
    assert len(got) == 20


def test_chunk_keeps_a_stumble_to_its_operation(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    def stumble(work: Work) -> Outcome:
        if work.reference == "order-3":
            raise KeyError(work.reference)
        return PENDING

    plugin.answers(Call.POLL, stumble)

    answers = {a.snapshot.reference: a.outcome for a in run(working(plugin, rows(9)), executor)}

    assert answers.pop("order-3") == Pending("our own error: KeyError", Trouble.UNKNOWN)
    assert set(answers.values()) == {PENDING}


@pytest.mark.parametrize(
    ("call", "consecutive_failures", "expected"),
    [
        pytest.param(Call.SUBMIT, 0, Doubtful, id="a submit is doubtful then"),
        pytest.param(Call.POLL, 3, Pending, id="a poll is repeated"),
        pytest.param(Call.POLL, 4, NeedsPerson, id="five times at most"),
        pytest.param(Call.SETTLE, 4, NeedsPerson, id="as is a settlement"),
        pytest.param(Call.CLEAR_UP, 4, NeedsPerson, id="and a clearing up"),
    ],
)
def test_stumble(
    plugin: ScriptedPlugin,
    executor: ThreadPoolExecutor,
    call: Call,
    consecutive_failures: int,
    expected: type[object],
) -> None:
    def stumble(_: Work) -> Outcome:
        raise ZeroDivisionError

    state = {
        Call.SUBMIT: State.ACCEPTED,
        Call.CLEAR_UP: State.SUBMITTING,
        Call.POLL: State.POLLING,
        Call.SETTLE: State.SETTLING,
    }[call]
    plugin.answers(call, stumble)

    [answer] = run(
        working(plugin, [replace(claimed(0, state), consecutive_failures=consecutive_failures)]),
        executor,
    )

    assert isinstance(answer.outcome, expected)
    assert answer.outcome.note == "our own error: ZeroDivisionError"


# Submits


def test_submit_is_marked_before_it_is_sent(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    order: list[str] = []

    def mark(row: ClaimedSnapshot, _: datetime) -> bool:
        order.append(f"mark {row.id}")
        return True

    def submit(work: Work) -> Outcome:
        order.append(f"submit {work.id} {work.payload} {work.state}")
        return Started("77", "taken")

    plugin.answers(Call.SUBMIT, submit)
    work = working(plugin, rows(1, State.ACCEPTED), payloads={"id-0": "Ivan"}, mark=mark)

    [answer] = run(work, executor)

    assert order == ["mark id-0", "submit id-0 {'name': 'Ivan'} submitting"]
    assert answer.snapshot.state is State.SUBMITTING


def test_submit_is_not_sent_when_it_could_not_be_marked(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    work = working(plugin, rows(3, State.ACCEPTED), mark=lambda row, _: row.id != "id-1")

    answers = run(work, executor)

    assert sorted(a.snapshot.id for a in answers) == ["id-0", "id-2"]
    assert plugin.asked(Call.SUBMIT, "order-1") == 0


def test_chunk_halts_when_the_database_is_away_before_a_submit(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    def mark(*_: object) -> bool:
        raise DatabaseUnavailable

    work = working(plugin, rows(20, State.ACCEPTED), mark=mark)

    assert run(work, executor) == []
    assert work.halt is Halt.DATABASE_AWAY
    assert plugin.calls == []


@pytest.mark.parametrize("sealed", ["foreign", "list"])
def test_payload_that_does_not_open_is_a_persons(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor, sealed: str
) -> None:
    marked: list[str] = []

    def mark(row: ClaimedSnapshot, _: datetime) -> bool:
        marked.append(row.id)
        return True

    payloads: dict[str, str | None] = {"id-0": sealed, "id-1": "Ivan"}
    work = working(plugin, rows(2, State.ACCEPTED), payloads=payloads, mark=mark)

    answers = {a.snapshot.id: a for a in run(work, executor)}

    parked = answers["id-0"].outcome
    assert isinstance(parked, NeedsPerson)
    assert parked.reason.code is ReasonCode.PAYLOAD_UNREADABLE
    assert answers["id-0"].snapshot.state is State.ACCEPTED
    assert isinstance(answers["id-1"].outcome, Started)
    assert marked == ["id-1"]
    assert work.calls == 1


def test_payload_is_opened_for_submits_alone(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    work = working(plugin, rows(2), payloads={"id-0": "foreign"})

    assert [a.outcome for a in run(work, executor)] == [PENDING, PENDING]


# Halts


def test_chunk_asks_nothing_more_when_it_is_told_to_halt(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    guard = Guard(7, Halt.LEASE_DOUBTED)
    before = time.monotonic()
    work = working(plugin, rows(50), guard)
    made = time.monotonic()

    assert len(run(work, executor)) == 7
    (taken_at,) = guard.asked_for
    assert before <= taken_at <= made
    assert work.halt is Halt.LEASE_DOUBTED
    assert not work.flawless


@pytest.mark.parametrize(
    ("outcome", "halt"),
    [
        pytest.param(MISCONFIGURED, Halt.MISCONFIGURED, id="a wrong login"),
        pytest.param(
            Pending("429", Trouble.UNAVAILABLE, retry_after=5), Halt.PROVIDER_RESTS, id="a rest"
        ),
        pytest.param(NotSent("429", Trouble.UNAVAILABLE, 5), Halt.PROVIDER_RESTS, id="a refusal"),
        pytest.param(FAILED, Halt.PROVIDER_SICK, id="failures in a row"),
    ],
)
def test_chunk_halts_where_going_on_does_harm(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor, outcome: Outcome, halt: Halt
) -> None:
    plugin.answers(Call.POLL, outcome)
    work = working(plugin, rows(100))

    answers = run(work, executor)

    assert work.halt is halt
    assert len(answers) == plugin.asked(Call.POLL) == work.calls
    assert len(answers) < LIMITS.breaker_failures + LIMITS.threads


def test_chunk_goes_on_while_answers_come_between_failures(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    plugin.answers(
        Call.POLL, lambda work: PENDING if int(work.id.split("-")[1]) % 3 == 0 else FAILED
    )
    work = working(plugin, rows(60))

    assert len(run(work, executor, threads=1)) == 60
    assert work.halt is None
    assert work.health == Health(2, any_answered=True)


@pytest.mark.parametrize(
    ("outcome", "health"),
    [
        pytest.param(PENDING, Health(0, any_answered=True), id="an answer"),
        pytest.param(
            Pending("SMEV", Trouble.DEPENDENCY, retry_after=5),
            Health(0, any_answered=True),
            id="trouble behind the provider",
        ),
        pytest.param(
            Pending("new", Trouble.UNKNOWN), Health(0, any_answered=True), id="an unknown answer"
        ),
        pytest.param(FAILED, Health(1, any_answered=False), id="no answer"),
        pytest.param(
            Pending("no notification", calls=0), Health(0, any_answered=False), id="nobody asked"
        ),
        pytest.param(Doubtful("timed out"), Health(1, any_answered=False), id="a doubtful submit"),
        pytest.param(
            Pending("429", Trouble.UNAVAILABLE, retry_after=5),
            Health(1, any_answered=False, rest=5),
            id="a rest",
        ),
    ],
)
def test_health(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor, outcome: Outcome, health: Health
) -> None:
    plugin.answers(Call.POLL, outcome)
    work = working(plugin, rows(1))

    run(work, executor)

    assert work.health == health


def test_chunk_counts_failures_in_a_row_across_those_that_ask_nobody(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    plugin.answers(
        Call.POLL,
        lambda work: Pending("kept", calls=0) if int(work.id.split("-")[1]) % 2 else FAILED,
    )
    work = working(plugin, rows(60))

    run(work, executor, threads=1)

    assert work.halt is Halt.PROVIDER_SICK
    assert work.health == Health(LIMITS.breaker_failures, any_answered=False)


def test_chunk_remembers_the_longest_rest(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    together = threading.Barrier(2, timeout=10)

    def line(work: Work) -> Outcome:
        together.wait()
        rest = 60 if work.reference == "order-0" else 5
        return Pending("429", Trouble.UNAVAILABLE, retry_after=rest)

    plugin.answers(Call.POLL, line)
    work = working(plugin, rows(2))

    run(work, executor)

    assert work.health.rest == 60


def test_chunk_asks_nothing_more_when_its_answers_cannot_be_written(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    """It also leaves no thread behind that would then work on other operations."""
    slowly = threading.Event()

    def line(_: Work) -> Outcome:
        slowly.wait(0.05)
        return PENDING

    def flush(_: list[Answer]) -> None:
        raise DatabaseUnavailable

    plugin.answers(Call.POLL, line)
    work = working(plugin, rows(200))

    with pytest.raises(DatabaseUnavailable):
        work.run(executor, 4, flush, lambda: None)

    asked = len(plugin.calls)
    assert asked < 100
    slowly.wait(0.2)
    assert len(plugin.calls) == asked


def test_answer_says_when_it_was_asked_for_and_how_long_it_took(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    def line(_: Work) -> Outcome:
        threading.Event().wait(0.05)
        return Finished(State.SUCCEEDED, "result")

    plugin.answers(Call.POLL, line)

    [answer] = run(working(plugin, rows(1)), executor)

    assert 45 <= answer.took < 60_000
    assert NOW <= answer.at < NOW + timedelta(minutes=1)


@pytest.mark.parametrize("count", [1, 4])
def test_chunk_steps_aside_when_only_the_last_answers_are_awaited(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor, count: int
) -> None:
    background_query = threading.Event()

    def slow(work: Work) -> Outcome:
        if work.id == "id-0":
            assert background_query.wait(20)
        return PENDING

    plugin.answers(Call.POLL, slow)
    work = working(plugin, rows(count))

    work.run(executor, 4, lambda _: None, background_query.set)

    assert background_query.is_set()
    assert work.flawless


def test_chunk_does_not_step_aside_while_something_is_left_to_ask(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    left: list[int] = []
    background_query = threading.Event()

    def slow(work: Work) -> Outcome:
        if work.id == "id-5":
            assert background_query.wait(20)
        else:
            # Longer than it takes to look whether only the last is left.
            time.sleep(0.35)
        return PENDING

    def step_aside() -> None:
        left.append(len(work._waiting))
        background_query.set()

    plugin.answers(Call.POLL, slow)
    work = working(plugin, rows(6))

    work.run(executor, 2, lambda _: None, step_aside)

    assert set(left) == {0}


def test_chunk_does_not_step_aside_after_a_halt(
    plugin: ScriptedPlugin, executor: ThreadPoolExecutor
) -> None:
    """The cause is shared at its end; before that no other chunk may begin."""
    both = threading.Barrier(2, timeout=20)
    background_query: list[bool] = []

    def slow(work: Work) -> Outcome:
        both.wait()
        if work.id == "id-1":
            time.sleep(0.6)
            return PENDING
        return MISCONFIGURED

    plugin.answers(Call.POLL, slow)
    work = working(plugin, rows(2))

    work.run(executor, 4, lambda _: None, lambda: background_query.append(True))

    assert work.halt is Halt.MISCONFIGURED
    assert plugin.asked(Call.POLL) == 2
    assert not background_query
