"""Decisions: what an outcome makes of an operation. Pure, and every exit is on this page."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from worker.engine.gate import LONGEST_REST
from worker.events.model import END_EVENTS, EventType
from worker.operations.identifiers import new_id
from worker.operations.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Reason,
    ReasonCode,
    Settle,
    Started,
)
from worker.operations.states import State
from worker.operations.store.claims import ORDINARY, URGENT, Claimed, Run
from worker.operations.store.writeback import Move, Stay
from worker.providers.base import Plugin


class Ask(StrEnum):
    """What an operation was asked."""

    SUBMIT = "submit"
    CLEAR_UP = "clear_up"
    POLL = "poll"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one operation."""

    #: As claimed; in `submitting` once its submit was marked.
    claimed: Claimed
    ask: Ask
    outcome: Outcome
    #: When the question was sent.
    at: datetime
    #: Milliseconds.
    took: int


def next_ask(claimed: Claimed, now: datetime) -> Ask:
    """Return what a claimed operation is to be asked."""
    match claimed.state:
        case State.ACCEPTED:
            return Ask.SUBMIT
        case State.SUBMITTING:
            # Nobody leaves an operation like this but a worker that died, or had its doubts.
            return Ask.CLEAR_UP
        case State.POLLING if claimed.deadline_at is None or now < claimed.deadline_at:
            return Ask.POLL
        case _:
            return Ask.SETTLE


def decide(
    answer: Answer, plugin: Plugin, now: datetime, draw: float, seal: Callable[[bytes], str]
) -> Stay | Move:
    """Return what is written for an answer; `draw` in [0, 1) is the jitter's random number."""
    turn = _Turn(answer, plugin, now, draw, seal)
    outcome = answer.outcome
    match outcome:
        case Prepared():
            return turn.prepared(outcome)
        case Started():
            return turn.started(outcome)
        case Pending():
            return turn.pending(outcome)
        case Settle():
            return turn.settle(outcome)
        case NotSent():
            return turn.not_sent(outcome)
        case Doubtful():
            return turn.stay(turn.rest(outcome.retry_after, turn.backoff()), faults=turn.faults + 1)
        case Misconfigured():
            return turn.misconfigured()
        case NeedsPerson():
            return turn.end(
                State.WAITING_FOR_PERSON, outcome.reason, EventType.WAITING_FOR_PERSON, outcome
            )
        case Finished():
            return turn.end(outcome.state, outcome.reason, END_EVENTS[outcome.state], outcome)
        case _:
            assert_never(outcome)


class _Turn:
    """One answer on its way to the database."""

    def __init__(
        self,
        answer: Answer,
        plugin: Plugin,
        now: datetime,
        draw: float,
        seal: Callable[[bytes], str],
    ) -> None:
        self.claimed = answer.claimed
        self.ask = answer.ask
        self.note = answer.outcome.note[:100]
        self.at = answer.at
        self.took = answer.took
        self.plugin = plugin
        self.now = now
        self.draw = draw
        self.seal = seal
        asked = self.ask in {Ask.POLL, Ask.SETTLE}
        self.polls = self.claimed.polls + (answer.outcome.calls if asked else 0)
        self.faults = self.claimed.faults

    def prepared(self, outcome: Prepared) -> Move:
        progress = self._progress(outcome.progress)
        return self._move(State.ACCEPTED, due_at=self.now, faults=0, progress=progress)

    def started(self, outcome: Started) -> Move:
        deadline = outcome.deadline_at
        if deadline is None or deadline <= self.now:
            # A deadline that has passed before it began is a wrong clock, not an expiry.
            give_up = self.plugin.give_up_after(self.claimed.kind)
            deadline = self.now + timedelta(seconds=give_up)
        due = self._not_past(deadline, self.plugin.policy.wait(0, self.draw), self.now)
        return self._move(
            State.POLLING,
            lane=ORDINARY,
            due_at=due,
            deadline_at=deadline,
            provider_ref=outcome.provider_ref,
            started_at=self.now,
            events=(EventType.STARTED,),
            faults=0,
            progress=None,
        )

    def pending(self, outcome: Pending) -> Stay | Move:
        faults = 0 if outcome.trouble is None else self.faults + 1
        if outcome.again_in is not None:
            wait = outcome.again_in
        elif outcome.trouble is not None:
            wait = self.backoff()
        else:
            wait = self.plugin.policy.wait(self.polls, self.draw)
        due = self.rest(outcome.retry_after, wait)
        progress = self._progress(outcome.progress)
        if self.claimed.state is State.POLLING and self.ask is Ask.SETTLE:
            return self._move(State.SETTLING, due_at=due, faults=faults, progress=progress)
        if self.ask is Ask.POLL and self.claimed.deadline_at is not None:
            due = self._not_past(self.claimed.deadline_at, (due - self.now).total_seconds(), None)
        return self.stay(due, faults=faults, progress=progress)

    def settle(self, outcome: Settle) -> Stay | Move:
        progress = self._progress(outcome.progress)
        if self.claimed.state is State.POLLING:
            return self._move(State.SETTLING, due_at=self.now, faults=0, progress=progress)
        due = self.now + timedelta(seconds=self.backoff())
        return self.stay(due, faults=self.faults + 1, progress=progress)

    def not_sent(self, outcome: NotSent) -> Move:
        if self.claimed.deadline_at is not None and self.now >= self.claimed.deadline_at:
            reason = Reason(
                ReasonCode.PROVIDER_UNAVAILABLE,
                "The provider could not be reached in time; nothing was sent to it.",
                retryable=True,
            )
            return self.end(State.FAILED, reason, EventType.FAILED, None)
        return self._move(
            State.ACCEPTED,
            due_at=self.rest(outcome.retry_after, self.backoff()),
            faults=self.faults + 1,
        )

    def misconfigured(self) -> Stay | Move:
        # The provider pauses; the operation keeps its state and is due as soon as calls go on.
        if self.ask is Ask.SUBMIT:
            return self._move(State.ACCEPTED, due_at=self.now)
        return self.stay(self.claimed.due_at, faults=self.faults)

    def end(
        self,
        state: State,
        reason: Reason | None,
        event: EventType,
        outcome: Finished | NeedsPerson | None,
    ) -> Move:
        answer = None if outcome is None or outcome.answer is None else self.seal(outcome.answer)
        return self._move(
            state,
            due_at=None,
            finished_at=None if state is State.WAITING_FOR_PERSON else self.now,
            reason=reason,
            result=outcome.result if isinstance(outcome, Finished) else {},
            answer=answer,
            events=(event,),
        )

    def stay(self, due: datetime, *, faults: int, progress: str | None = None) -> Stay:
        run, closed = self._run()
        return Stay(
            claimed=self.claimed,
            due_at=due,
            polls=self.polls,
            faults=faults,
            progress=progress if progress is not None else self.claimed.progress,
            run=run,
            closed=closed,
        )

    def backoff(self) -> float:
        return self.plugin.policy.backoff(self.faults + 1, self.draw)

    def rest(self, retry_after: float | None, wait: float) -> datetime:
        """Return the next due time: as planned, or later where the provider asked for it."""
        asked = min(retry_after or 0.0, LONGEST_REST)
        return self.now + timedelta(seconds=max(wait, asked))

    def _run(self) -> tuple[Run, Run | None]:
        """Return the journal's open run with this answer in it, and the run that it closed."""
        last = self.claimed.run
        if last is None or last.note != self.note:
            return Run(self.note, self.at, self.at, 1, self.took), last
        slowest = max(last.slowest, self.took)
        return Run(self.note, last.first_at, self.at, last.count + 1, slowest), None

    def _not_past(self, deadline: datetime, wait: float, began: datetime | None) -> datetime:
        """Return now + wait, but stop once shortly before the deadline, and then at it."""
        due = self.now + timedelta(seconds=wait)
        whole = (deadline - (began or self.claimed.started_at or self.now)).total_seconds()
        before = self.plugin.last_look_before(whole)
        if before is not None:
            look = deadline - timedelta(seconds=before)
            if self.now < look < due:
                return look
        return min(due, max(deadline, self.now))

    def _progress(self, new: Mapping[str, Any] | None) -> str | None:
        return self.claimed.progress if new is None else json.dumps(dict(new))

    def _move(  # noqa: PLR0913 - a move is all of these
        self,
        state: State,
        *,
        due_at: datetime | None,
        lane: int | None = None,
        deadline_at: datetime | None = None,
        provider_ref: str | None = None,
        faults: int | None = None,
        progress: str | None = None,
        started_at: datetime | None = None,
        finished_at: datetime | None = None,
        reason: Reason | None = None,
        result: Mapping[str, Any] | None = None,
        answer: str | None = None,
        events: tuple[EventType, ...] = (),
    ) -> Move:
        claimed = self.claimed
        return Move(
            claimed=claimed,
            state=state,
            call=Run(self.note, self.at, self.at, 1, self.took),
            lane=(URGENT if claimed.started_at is None else ORDINARY) if lane is None else lane,
            due_at=due_at,
            deadline_at=deadline_at or claimed.deadline_at,
            provider_ref=provider_ref or claimed.provider_ref,
            polls=self.polls,
            faults=self.faults if faults is None else faults,
            progress=progress if progress is not None else claimed.progress,
            started_at=started_at,
            finished_at=finished_at,
            reason=reason,
            result=result or {},
            answer=answer,
            events=tuple((event, new_id()) for event in events),
        )
