"""Decisions: what every outcome makes of an operation, in every state in which it can occur."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.polling import PollPolicy
from tests.support.engine.operations import NOW
from tests.support.providers.scripted import ScriptedPlugin
from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import TERMINAL, State
from worker.domain.events import END_EVENTS
from worker.domain.outcomes import (
    PAST_ALL_STEPS,
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Reason,
    Settle,
    Started,
    Trouble,
    Wanted,
)
from worker.domain.snapshot import Run
from worker.domain.states import DRIVEN, is_allowed
from worker.engine.admission import LONGEST_REST
from worker.engine.calls import Answer, Call, next_call
from worker.engine.decisions import decide
from worker.store.changes import Transition, Unchanged
from worker.store.claims import ORDINARY, URGENT, ClaimedSnapshot

DEADLINE = NOW + timedelta(minutes=10)
CODE = Wanted("sms_code", 4)
REASON = Reason(ReasonCode.DATA_MISMATCH, "No match.")
POLICY = PollPolicy(first_after=10, steps=((3, 20),), then=60, jitter=0.1)
PLUGIN = ScriptedPlugin(policy=POLICY, deadline=600)

CLAIMED = ClaimedSnapshot(
    id="id",
    reference="order-1",
    provider="moneta",
    kind="identification",
    state=State.POLLING,
    attempt=1,
    args={},
    provider_ref="77",
    due_at=NOW - timedelta(seconds=1),
    deadline_at=DEADLINE,
    polls=1,
    consecutive_failures=0,
    progress='{"a": 1}',
    created_at=NOW - timedelta(minutes=1),
    started_at=NOW - timedelta(seconds=50),
    run=None,
)
NEW = replace(CLAIMED, provider_ref=None, polls=0, progress=None, started_at=None)
#: As claimed for each question; a submit's operation has been marked when its answer comes.
ASKED = {
    Call.PREPARE: replace(NEW, state=State.ACCEPTED),
    Call.SUPPLY: replace(CLAIMED, missing="sms_code", inputs_sent=1, input_id="input"),
    Call.SUBMIT: replace(NEW, state=State.SUBMITTING),
    Call.CLEAR_UP: replace(NEW, state=State.SUBMITTING),
    Call.POLL: CLAIMED,
    Call.SETTLE: replace(CLAIMED, state=State.SETTLING),
}
SUPPLIED = replace(CLAIMED, missing="sms_code", inputs_waiting=1)
PAST = replace(CLAIMED, deadline_at=NOW - timedelta(seconds=1))


def seal(content: bytes) -> str:
    return f"sealed {len(content)}"


def decided(
    call: Call, outcome: Outcome, claimed: ClaimedSnapshot | None = None, draw: float = 0.5
) -> Unchanged | Transition:
    answer = Answer(claimed or ASKED[call], call, outcome, NOW, 12)
    return decide(answer, PLUGIN, NOW, draw, seal)


def stay(call: Call, outcome: Outcome, claimed: ClaimedSnapshot | None = None) -> Unchanged:
    change = decided(call, outcome, claimed)
    assert isinstance(change, Unchanged)
    return change


def move(call: Call, outcome: Outcome, claimed: ClaimedSnapshot | None = None) -> Transition:
    change = decided(call, outcome, claimed)
    assert isinstance(change, Transition)
    return change


def ahead(change: Unchanged | Transition) -> float:
    assert change.due_at is not None
    return (change.due_at - NOW).total_seconds()


@dataclass(frozen=True)
class Expected:
    """What a decision comes to."""

    state: State
    due_in: float | None
    consecutive_failures: int = 0
    events: tuple[EventType, ...] = ()


P, S = State.POLLING, State.SUBMITTING
PERSON = Expected(State.WAITING_FOR_PERSON, None, events=(EventType.WAITING_FOR_PERSON,))


def end(state: State) -> Expected:
    return Expected(state, None, events=(END_EVENTS[state],))


TABLE: list[tuple[str, Call, Outcome, Expected]] = [
    ("prepare: a step is done", Call.PREPARE, Prepared("n", {"step": 1}),
     Expected(State.ACCEPTED, 0)),
    ("prepare: that was all", Call.PREPARE, Started("77", "n"),
     Expected(P, 10, events=(EventType.STARTED,))),
    ("prepare: the first question is the plugin's", Call.PREPARE, Started("77", "n", again_in=0),
     Expected(P, 0, events=(EventType.STARTED,))),
    ("prepare: takes its time", Call.PREPARE, Pending("n", again_in=2),
     Expected(State.ACCEPTED, 2)),
    ("prepare: did not get through", Call.PREPARE, NotSent("n", Trouble.TRANSPORT),
     Expected(State.ACCEPTED, 10, 1)),
    ("prepare: login wrong", Call.PREPARE, Misconfigured(REASON, "n"),
     Expected(State.ACCEPTED, -1)),
    ("prepare: a person", Call.PREPARE, NeedsPerson(REASON, "n"), PERSON),
    ("submit: taken, a code is wanted", Call.SUBMIT,
     Started("77", "n", as_after=PAST_ALL_STEPS, wants=CODE),
     Expected(P, 60, events=(EventType.STARTED, EventType.INPUT_REQUIRED))),
    ("supply: sent", Call.SUPPLY, Pending("n", as_after=0), Expected(P, 10)),
    ("supply: doubtful, so it counts", Call.SUPPLY, Pending("n", Trouble.TRANSPORT, as_after=0),
     Expected(P, 10, 1)),
    ("supply: refused, another is wanted", Call.SUPPLY, Pending("n", as_after=0, wants=CODE),
     Expected(P, 10, events=(EventType.INPUT_REQUIRED,))),
    ("supply: certainly not sent", Call.SUPPLY, NotSent("n", Trouble.TRANSPORT),
     Expected(P, 10, 1)),
    ("supply: login wrong", Call.SUPPLY, Misconfigured(REASON, "n"), Expected(P, 0)),
    ("supply: a person", Call.SUPPLY, NeedsPerson(REASON, "n"), PERSON),
    ("poll: as after so many polls", Call.POLL, Pending("n", as_after=1), Expected(P, 20)),
    ("poll: past all steps", Call.POLL, Pending("n", as_after=PAST_ALL_STEPS), Expected(P, 60)),
    ("poll: a code is wanted", Call.POLL, Pending("n", wants=CODE),
     Expected(P, 20, events=(EventType.INPUT_REQUIRED,))),
    ("submit: taken", Call.SUBMIT, Started("77", "n"),
     Expected(P, 10, events=(EventType.STARTED,))),
    ("submit: certainly not sent", Call.SUBMIT, NotSent("n", Trouble.TRANSPORT),
     Expected(State.ACCEPTED, 10, 1)),
    ("submit: not sent, rest asked for", Call.SUBMIT,
     NotSent("n", Trouble.UNAVAILABLE, retry_after=90), Expected(State.ACCEPTED, 90, 1)),
    ("submit: doubtful", Call.SUBMIT, Doubtful("n"), Expected(S, 10, 1)),
    ("submit: doubtful, rest asked for", Call.SUBMIT, Doubtful("n", retry_after=90),
     Expected(S, 90, 1)),
    ("submit: login wrong", Call.SUBMIT, Misconfigured(REASON, "n"), Expected(State.ACCEPTED, 0)),
    ("submit: a person", Call.SUBMIT, NeedsPerson(REASON, "n"), PERSON),
    ("clear up: yes", Call.CLEAR_UP, Finished(State.SUCCEEDED, "n"), end(State.SUCCEEDED)),
    ("clear up: a person", Call.CLEAR_UP, NeedsPerson(REASON, "n"), PERSON),
    ("clear up: did not get through", Call.CLEAR_UP, Pending("n", Trouble.TRANSPORT),
     Expected(S, 10, 1)),
    ("clear up: found running", Call.CLEAR_UP, Started("77", "n"),
     Expected(P, 10, events=(EventType.STARTED,))),
    ("clear up: login wrong", Call.CLEAR_UP, Misconfigured(REASON, "n"), Expected(S, -1)),
    ("poll: not yet", Call.POLL, Pending("n"), Expected(P, 20)),
    ("poll: did not get through", Call.POLL, Pending("n", Trouble.TRANSPORT), Expected(P, 10, 1)),
    ("poll: rest asked for", Call.POLL, Pending("n", Trouble.UNAVAILABLE, retry_after=90),
     Expected(P, 90, 1)),
    ("poll: when the plugin says", Call.POLL, Pending("n", again_in=7), Expected(P, 7)),
    ("poll: the wait is over", Call.POLL, Settle("n"), Expected(State.SETTLING, 0)),
    ("poll: login wrong", Call.POLL, Misconfigured(REASON, "n"), Expected(P, -1)),
    ("poll: a person", Call.POLL, NeedsPerson(REASON, "n"), PERSON),
    ("settle: not yet", Call.SETTLE, Pending("n", again_in=300), Expected(State.SETTLING, 300)),
    ("settle: did not get through", Call.SETTLE, Pending("n", Trouble.TRANSPORT),
     Expected(State.SETTLING, 10, 1)),
    ("settle: once more", Call.SETTLE, Settle("n"), Expected(State.SETTLING, 10, 1)),
    ("settle: login wrong", Call.SETTLE, Misconfigured(REASON, "n"), Expected(State.SETTLING, -1)),
    ("settle: a person", Call.SETTLE, NeedsPerson(REASON, "n"), PERSON),
    *((f"{call}: {state}", call, Finished(state, "n", REASON), end(state))
      for call in Call for state in sorted(TERMINAL)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "outcome", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_decision(call: Call, outcome: Outcome, expected: Expected) -> None:
    change = decided(call, outcome)

    assert may_be(change.snapshot.state, state_of(change))
    due_in = None if change.due_at is None else round(ahead(change), 3)
    events = tuple(kind for kind, _ in change.events) if isinstance(change, Transition) else ()
    assert Expected(state_of(change), due_in, change.consecutive_failures, events) == expected


def state_of(change: Unchanged | Transition) -> State:
    return change.state if isinstance(change, Transition) else change.snapshot.state


def may_be(origin: State, to: State) -> bool:
    return origin is to or is_allowed(origin, to)


OUTCOMES = st.one_of(
    st.builds(Started, st.just("77"), st.text(max_size=200), st.none() | st.datetimes(
        min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    )),
    st.builds(
        Pending, st.text(max_size=200), st.none() | st.sampled_from(Trouble),
        st.none() | st.floats(0, 1e6), st.none() | st.floats(0, 1e5),
        st.none() | st.integers(0, PAST_ALL_STEPS), st.none() | st.just(CODE),
    ),
    st.builds(Prepared, st.text(max_size=200), st.just({"step": 1})),
    st.builds(NotSent, st.text(max_size=200), st.sampled_from(Trouble)),
    st.builds(Doubtful, st.text(max_size=200), st.sampled_from(Trouble)),
    st.builds(Settle, st.text(max_size=200)),
    st.builds(Finished, st.sampled_from(sorted(TERMINAL)), st.text(max_size=200)),
    st.builds(NeedsPerson, st.just(REASON), st.text(max_size=200)),
    st.builds(Misconfigured, st.just(REASON), st.text(max_size=200)),
)  # fmt: skip
#: What plugins answer to a question, by the Protocol.
POSSIBLE: dict[Call, tuple[type[object], ...]] = {
    Call.PREPARE: (Prepared, Started, Pending, NotSent, Finished, NeedsPerson, Misconfigured),
    Call.SUPPLY: (Pending, NotSent, Finished, NeedsPerson, Misconfigured),
    Call.SUBMIT: (Started, NotSent, Doubtful, Finished, NeedsPerson, Misconfigured),
    Call.CLEAR_UP: (Started, Pending, Doubtful, Finished, NeedsPerson, Misconfigured),
    Call.POLL: (Pending, Settle, Finished, NeedsPerson, Misconfigured),
    Call.SETTLE: (Pending, Settle, Finished, NeedsPerson, Misconfigured),
}


@given(
    st.sampled_from(Call),
    OUTCOMES,
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_decision_makes_allowed_moves_and_sets_due_times_in_driven_states_alone(
    call: Call, outcome: Outcome, draw: float, consecutive_failures: int, past: bool
) -> None:
    if not isinstance(outcome, POSSIBLE[call]):
        return
    claimed = replace(ASKED[call], consecutive_failures=consecutive_failures)
    if past:
        claimed = replace(claimed, deadline_at=NOW - timedelta(seconds=1))

    change = decided(call, outcome, claimed, draw)

    assert may_be(claimed.state, state_of(change))
    assert (change.due_at is not None) is (state_of(change) in DRIVEN)
    if change.due_at is not None:
        assert change.due_at <= NOW + timedelta(days=2)
    if isinstance(change, Transition):
        assert (change.finished_at is not None) is (change.state in TERMINAL)
        terminal = [kind for kind, _ in change.events if kind in END_EVENTS.values()]
        assert len(terminal) == (change.state in TERMINAL)


# What is asked


@pytest.mark.parametrize(
    ("claimed", "call"),
    [
        pytest.param(replace(NEW, state=State.ACCEPTED), Call.SUBMIT, id="accepted"),
        pytest.param(replace(NEW, state=State.SUBMITTING), Call.CLEAR_UP, id="submitting"),
        pytest.param(SUPPLIED, Call.SUPPLY, id="polling, and a wanted input has come"),
        pytest.param(
            replace(SUPPLIED, missing=None), Call.POLL, id="an input while another's is judged"
        ),
        pytest.param(
            replace(SUPPLIED, inputs_waiting=0), Call.POLL, id="an input is wanted, none has come"
        ),
        pytest.param(replace(SUPPLIED, deadline_at=NOW), Call.SETTLE, id="an input too late"),
        pytest.param(CLAIMED, Call.POLL, id="polling"),
        pytest.param(
            replace(CLAIMED, deadline_at=None), Call.POLL, id="polling without a deadline"
        ),
        pytest.param(replace(CLAIMED, deadline_at=NOW), Call.SETTLE, id="polling at the deadline"),
        pytest.param(PAST, Call.SETTLE, id="polling past the deadline"),
        pytest.param(replace(CLAIMED, state=State.SETTLING), Call.SETTLE, id="settling"),
    ],
)
def test_next_ask(claimed: ClaimedSnapshot, call: Call) -> None:
    assert next_call(claimed, NOW, PLUGIN) is call


def test_next_ask_prepares_as_long_as_the_plugin_has_something_to_prepare() -> None:
    careful = ScriptedPlugin(prepares=True)
    accepted = replace(NEW, state=State.ACCEPTED)

    assert next_call(accepted, NOW, careful) is Call.PREPARE
    ready = replace(accepted, progress='{"ready": true}')
    assert next_call(ready, NOW, careful) is Call.SUBMIT


# Steps before a submit


def test_prepared_is_recorded_and_goes_on_in_the_lane_of_submits() -> None:
    change = move(Call.PREPARE, Prepared("n", {"step": 1}))

    assert (change.lane, change.progress, change.consecutive_failures) == (URGENT, '{"step": 1}', 0)


@pytest.mark.parametrize(
    "outcome",
    [
        NotSent("n", Trouble.TRANSPORT, progress={"b": 2}),
        Misconfigured(REASON, "n", progress={"b": 2}),
    ],
    ids=type,
)
def test_submit_that_was_not_made_may_have_what_comes_before_it_made_anew(
    outcome: NotSent | Misconfigured,
) -> None:
    claimed = replace(ASKED[Call.SUBMIT], progress='{"a": 1}')
    kept = replace(outcome, progress=None)

    decisions = [decided(Call.SUBMIT, each, claimed) for each in (outcome, kept)]

    assert [each.progress for each in decisions] == ['{"b": 2}', '{"a": 1}']


@pytest.mark.parametrize(
    "outcome", [Pending("n", again_in=5), NotSent("n", Trouble.TRANSPORT)], ids=type
)
def test_a_preparation_that_never_gets_through_is_given_up(outcome: Outcome) -> None:
    late = replace(ASKED[Call.PREPARE], deadline_at=NOW)

    change = move(Call.PREPARE, outcome, late)

    assert change.state is State.FAILED
    assert change.reason is not None
    assert change.reason.code is ReasonCode.PROVIDER_UNAVAILABLE


# Inputs


def test_an_input_that_was_sent_leaves_nothing_missing() -> None:
    change = move(Call.SUPPLY, Pending("n", as_after=0))

    assert (change.missing, change.input_returned, change.events) == (None, False, ())


@pytest.mark.parametrize(
    "outcome", [NotSent("n", Trouble.TRANSPORT), Misconfigured(REASON, "n")], ids=type
)
def test_an_input_that_was_not_sent_is_missing_again_and_told_to_nobody(outcome: Outcome) -> None:
    change = move(Call.SUPPLY, outcome)

    assert (change.missing, change.input_returned, change.events) == ("sms_code", True, ())
    assert change.lane == URGENT


def test_what_is_missing_stays_missing_while_a_person_is_waited_for() -> None:
    claimed = replace(CLAIMED, missing="sms_code")

    assert move(Call.POLL, NeedsPerson(REASON, "n"), claimed).missing == "sms_code"
    assert move(Call.POLL, Finished(State.REJECTED, "n", REASON), claimed).missing is None


# Submits


def test_started_keeps_the_providers_id_and_deadline() -> None:
    deadline = NOW + timedelta(minutes=700)

    change = move(Call.SUBMIT, Started("4711", "n", deadline_at=deadline))

    assert (change.provider_ref, change.deadline_at) == ("4711", deadline)
    assert (change.started_at, change.lane) == (NOW, ORDINARY)


@pytest.mark.parametrize("theirs", [None, NOW, NOW - timedelta(hours=1)], ids=str)
def test_started_takes_our_own_deadline_when_theirs_is_none_or_over(
    theirs: datetime | None,
) -> None:
    change = move(Call.SUBMIT, Started("4711", "n", deadline_at=theirs))

    assert change.deadline_at == NOW + timedelta(seconds=600)


def test_not_sent_stays_in_the_lane_of_submits() -> None:
    assert move(Call.SUBMIT, NotSent("n", Trouble.TRANSPORT)).lane == URGENT


def test_not_sent_is_given_up_past_its_time() -> None:
    late = replace(ASKED[Call.SUBMIT], deadline_at=NOW)

    change = move(Call.SUBMIT, NotSent("n", Trouble.TRANSPORT), late)

    assert (change.state, change.finished_at) == (State.FAILED, NOW)
    assert change.reason is not None
    assert (change.reason.code, change.reason.retryable) == ("provider_unavailable", True)


# Waits


def test_waits_are_drawn_with_jitter() -> None:
    drawn = [ahead(decided(Call.POLL, Pending("n"), draw=draw)) for draw in (0, 0.5, 0.999)]

    assert drawn == [pytest.approx(18), pytest.approx(20), pytest.approx(22, abs=0.01)]


@pytest.mark.parametrize(("polls", "wait"), [(0, 20), (1, 20), (2, 20), (3, 60), (99, 60)])
def test_poll_waits_by_how_often_the_attempt_was_polled(polls: int, wait: float) -> None:
    claimed = replace(CLAIMED, polls=polls, deadline_at=None)

    change = stay(Call.POLL, Pending("n"), claimed)

    assert (ahead(change), change.polls) == (wait, polls + 1)


def test_poll_counts_every_request_it_took() -> None:
    assert stay(Call.POLL, Pending("n", calls=3)).polls == 4
    assert stay(Call.SETTLE, Pending("n", calls=2, again_in=1)).polls == 3


def test_submit_and_clear_up_count_as_no_polls() -> None:
    assert move(Call.SUBMIT, Started("77", "n")).polls == 0
    assert stay(Call.CLEAR_UP, Pending("n", Trouble.TRANSPORT)).polls == 0


@pytest.mark.parametrize(
    ("consecutive_failures", "wait"), [(0, 10), (1, 20), (2, 40), (3, 60), (50, 60)]
)
def test_trouble_backs_off(consecutive_failures: int, wait: float) -> None:
    claimed = replace(CLAIMED, consecutive_failures=consecutive_failures, deadline_at=None)

    change = stay(Call.POLL, Pending("n", Trouble.TRANSPORT), claimed)

    assert (ahead(change), change.consecutive_failures) == (wait, consecutive_failures + 1)


def test_answer_forgets_past_trouble() -> None:
    assert (
        stay(Call.POLL, Pending("n"), replace(CLAIMED, consecutive_failures=9)).consecutive_failures
        == 0
    )


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(5, 10), (90, 90), (10**9, LONGEST_REST)],
    ids=["less than planned", "more than planned", "for ever"],
)
def test_retry_after_is_honoured_within_reason(asked: float, wait: float) -> None:
    claimed = replace(CLAIMED, deadline_at=None)

    change = stay(Call.POLL, Pending("n", Trouble.UNAVAILABLE, retry_after=asked), claimed)

    assert ahead(change) == wait


# Deadlines


def test_poll_is_never_planned_past_the_deadline() -> None:
    claimed = replace(CLAIMED, deadline_at=NOW + timedelta(seconds=5))

    assert ahead(stay(Call.POLL, Pending("n"), claimed)) == 5


@pytest.mark.parametrize(
    ("left", "planned"),
    [
        pytest.param(100, 20, id="far from it: as planned"),
        pytest.param(25, 20, id="planned before the look"),
        pytest.param(24, 20, id="planned at the look"),
        pytest.param(22, 18, id="planned past the look: at the look"),
        pytest.param(5, 1, id="soon: at the look"),
        pytest.param(4, 4, id="at the look: at the deadline"),
        pytest.param(3, 3, id="after the look: at the deadline"),
    ],
)
def test_last_look_is_taken_shortly_before_the_deadline(left: float, planned: float) -> None:
    claimed = replace(CLAIMED, deadline_at=NOW + timedelta(seconds=left))
    looking = ScriptedPlugin(policy=POLICY, last_look=4)

    change = decide(Answer(claimed, Call.POLL, Pending("n"), NOW, 1), looking, NOW, 0.5, seal)

    assert ahead(change) == pytest.approx(planned)


def test_last_look_is_told_the_attempts_whole_time() -> None:
    class Asking(ScriptedPlugin):
        def last_look_before(self, deadline_in: float) -> float | None:
            assert deadline_in == 650  # from the start 50 s ago to the deadline
            return None

    decide(Answer(CLAIMED, Call.POLL, Pending("n"), NOW, 1), Asking(policy=POLICY), NOW, 0.5, seal)


def test_first_poll_is_not_planned_past_the_deadline_either() -> None:
    started = Started("77", "n", deadline_at=NOW + timedelta(seconds=3))

    assert ahead(move(Call.SUBMIT, started)) == 3


def test_operation_that_was_asked_past_its_deadline_settles() -> None:
    change = move(Call.SETTLE, Pending("n", again_in=300), PAST)

    assert (change.state, ahead(change)) == (State.SETTLING, 300)


def test_settling_is_not_held_to_a_deadline_that_is_over() -> None:
    settling = replace(PAST, state=State.SETTLING)

    assert ahead(stay(Call.SETTLE, Pending("n", again_in=300), settling)) == 300


# Memory, answers, journal


@pytest.mark.parametrize(
    ("progress", "kept"), [(None, '{"a": 1}'), ({}, "{}"), ({"b": 2}, '{"b": 2}')]
)
def test_progress_is_kept_unless_it_is_replaced(progress: dict[str, int] | None, kept: str) -> None:
    assert stay(Call.POLL, Pending("n", progress=progress)).progress == kept
    assert move(Call.POLL, Settle("n", progress=progress)).progress == kept


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        pytest.param(Finished(State.FAILED, "n", REASON), '{"kept": 1}', id="an end"),
        pytest.param(NeedsPerson(REASON, "n"), '{"kept": 1, "same": 2, "a": 3}', id="a person"),
    ],
)
def test_progress_is_reduced_at_an_end_to_what_a_next_attempt_keeps(
    outcome: Outcome, kept: str
) -> None:
    claimed = replace(CLAIMED, progress='{"kept": 1, "same": 2, "a": 3}')

    assert move(Call.POLL, outcome, claimed).progress == kept


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Finished(State.SUCCEEDED, "n", answer=b"whole"), id="finished"),
        pytest.param(NeedsPerson(REASON, "n", answer=b"whole"), id="a person"),
    ],
)
def test_answer_is_sealed_before_anything_else_sees_it(outcome: Outcome) -> None:
    assert move(Call.POLL, outcome).answer == "sealed 5"


def test_no_answer_is_not_sealed() -> None:
    assert move(Call.POLL, Finished(State.SUCCEEDED, "n")).answer is None
    assert move(Call.POLL, Finished(State.SUCCEEDED, "n", answer=b"")).answer == "sealed 0"


def test_finished_brings_result_and_reason() -> None:
    change = move(Call.POLL, Finished(State.REJECTED, "n", REASON, {"document_id": 5}))

    assert (change.reason, change.result) == (REASON, {"document_id": 5})


def test_run_of_like_answers_grows() -> None:
    before = Run("CREATED", NOW - timedelta(hours=1), NOW - timedelta(minutes=1), 7, 90)

    change = stay(Call.POLL, Pending("CREATED"), replace(CLAIMED, run=before))

    assert change.run == Run("CREATED", before.first_at, NOW, 8, 90)
    assert change.closed is None


def test_run_ends_when_the_answer_changes() -> None:
    before = Run("CREATED", NOW - timedelta(hours=1), NOW - timedelta(minutes=1), 7, 90)

    change = stay(Call.POLL, Pending("INPROGRESS"), replace(CLAIMED, run=before))

    assert change.run == Run("INPROGRESS", NOW, NOW, 1, 12)
    assert change.closed == before


def test_run_keeps_the_slowest_call() -> None:
    before = Run("CREATED", NOW, NOW, 1, 3)

    assert stay(Call.POLL, Pending("CREATED"), replace(CLAIMED, run=before)).run.slowest == 12


def test_note_is_cut_to_what_its_column_holds() -> None:
    assert stay(Call.POLL, Pending("n" * 500)).run.note == "n" * 100


def test_every_event_has_an_id_of_its_own() -> None:
    first, second = (move(Call.POLL, Finished(State.SUCCEEDED, "n")) for _ in range(2))

    assert first.events[0][1] != second.events[0][1]
