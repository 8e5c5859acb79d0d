"""Decisions: what an outcome makes of an operation. Pure, and every exit is on this page."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, assert_never

from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.events import END_EVENTS
from worker.domain.ids import new_id
from worker.domain.invoices import Invoice, sealed_invoices
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Pending,
    Prepared,
    Reason,
    Settle,
    Started,
    Wanted,
)
from worker.domain.snapshot import Run
from worker.engine.admission import LONGEST_REST
from worker.engine.calls import Answer, Call, progress_of
from worker.providers.protocol import Plugin
from worker.store.changes import Transition, Unchanged
from worker.store.claims import ORDINARY, URGENT


def decide(
    answer: Answer, plugin: Plugin, now: datetime, draw: float, seal: Callable[[bytes], str]
) -> Unchanged | Transition:
    """Return what is written for an answer; `draw` in [0, 1) is the jitter's random number."""
    decision = _Decision(answer, plugin, now, draw, seal)
    outcome = answer.outcome
    match outcome:
        case Prepared():
            return decision.prepared(outcome)
        case Started():
            return decision.started(outcome)
        case Pending():
            return decision.pending(outcome)
        case Settle():
            return decision.settle(outcome)
        case NotSent():
            return decision.not_sent(outcome)
        case Doubtful():
            return decision.doubtful(outcome)
        case Misconfigured():
            return decision.misconfigured(outcome)
        case NeedsPerson():
            return decision.end(
                State.WAITING_FOR_PERSON, outcome.reason, EventType.WAITING_FOR_PERSON, outcome
            )
        case Finished():
            return decision.end(outcome.state, outcome.reason, END_EVENTS[outcome.state], outcome)
        case _:
            assert_never(outcome)


class _Missing(Enum):
    """What becomes of what is missing where no outcome says so."""

    #: It stays as it was; past the deadline nothing is missing any more.
    AS_BEFORE = auto()


def _asking(wants: Wanted | None) -> tuple[EventType, ...]:
    return () if wants is None else (EventType.INPUT_REQUIRED,)


class _Decision:
    """One answer on its way to the database."""

    def __init__(
        self,
        answer: Answer,
        plugin: Plugin,
        now: datetime,
        draw: float,
        seal: Callable[[bytes], str],
    ) -> None:
        self.snapshot = answer.snapshot
        self.call = answer.call
        self.note = answer.outcome.note[:100]
        self.at = answer.at
        self.took = answer.took
        self.plugin = plugin
        self.now = now
        self.draw = draw
        self.seal = seal
        asked = self.call in {Call.POLL, Call.SETTLE}
        self.polls = self.snapshot.polls + (answer.outcome.calls if asked else 0)
        self.consecutive_failures = self.snapshot.consecutive_failures

    def prepared(self, outcome: Prepared) -> Transition:
        progress = self._progress(outcome.progress)
        return self._transition(
            State.ACCEPTED, due_at=self.now, consecutive_failures=0, progress=progress
        )

    def started(self, outcome: Started) -> Transition:
        deadline = outcome.deadline_at
        if deadline is None or deadline <= self.now:
            # A deadline before the attempt's start comes of a wrong clock: it is no expiry.
            give_up = self.plugin.give_up_after(self.snapshot.kind)
            deadline = self.now + timedelta(seconds=give_up)
        wait = outcome.again_in
        if wait is None:
            wait = self.plugin.policy.wait(outcome.as_after, self.draw)
        return self._transition(
            State.POLLING,
            lane=ORDINARY,
            due_at=self._not_past(deadline, wait, self.now),
            deadline_at=deadline,
            provider_ref=outcome.provider_ref,
            started_at=self.now,
            wants=outcome.wants,
            events=(EventType.STARTED, *_asking(outcome.wants)),
            consecutive_failures=0,
            progress=self._progress(outcome.progress),
            accepts_notifications=outcome.accepts_notifications,
            records=outcome.records,
        )

    def pending(self, outcome: Pending) -> Unchanged | Transition:
        consecutive_failures = 0 if outcome.trouble is None else self.consecutive_failures + 1
        due = self.rest(outcome.retry_after, self._wait(outcome))
        progress = self._progress(outcome.progress)
        deadline = self.snapshot.deadline_at
        if self.call is Call.PREPARE and deadline is not None and self.now >= deadline:
            return self.given_up()
        if self.snapshot.state is State.POLLING and self.call is Call.SETTLE:
            return self._transition(
                State.SETTLING,
                due_at=due,
                consecutive_failures=consecutive_failures,
                progress=progress,
                records=outcome.records,
            )
        if self.call in {Call.POLL, Call.SUPPLY} and deadline is not None:
            due = self._not_past(deadline, (due - self.now).total_seconds(), None)
        if self.call is Call.SUPPLY or outcome.wants is not None:
            # An event has to be written, or the missing input was supplied.
            return self._transition(
                self.snapshot.state,
                due_at=due,
                consecutive_failures=consecutive_failures,
                progress=progress,
                wants=outcome.wants,
                missing=None,
                events=_asking(outcome.wants),
                records=outcome.records,
            )
        return self.unchanged(
            due,
            consecutive_failures=consecutive_failures,
            progress=progress,
            records=outcome.records,
        )

    def _wait(self, outcome: Pending) -> float:
        if outcome.again_in is not None:
            return outcome.again_in
        if outcome.as_after is not None:
            return self.plugin.policy.wait(outcome.as_after, self.draw)
        if outcome.trouble is not None:
            return self.backoff()
        return self.plugin.policy.wait(self.polls, self.draw)

    def settle(self, outcome: Settle) -> Unchanged | Transition:
        progress = self._progress(outcome.progress)
        if self.snapshot.state is State.POLLING:
            return self._transition(
                State.SETTLING, due_at=self.now, consecutive_failures=0, progress=progress
            )
        due = self.now + timedelta(seconds=self.backoff())
        return self.unchanged(
            due, consecutive_failures=self.consecutive_failures + 1, progress=progress
        )

    def doubtful(self, outcome: Doubtful) -> Unchanged:
        due = self.rest(outcome.retry_after, self.backoff())
        progress = self._progress(outcome.progress)
        return self.unchanged(
            due, consecutive_failures=self.consecutive_failures + 1, progress=progress
        )

    def given_up(self) -> Transition:
        reason = Reason(
            ReasonCode.PROVIDER_UNAVAILABLE,
            "The provider could not be reached in time, and nothing was sent to it: retry later.",
            retryable=True,
        )
        return self.end(State.FAILED, reason, EventType.FAILED, None)

    def not_sent(self, outcome: NotSent) -> Transition:
        if self.call is Call.SUPPLY:
            return self._returned(
                self.rest(outcome.retry_after, self.backoff()), self.consecutive_failures + 1
            )
        if self.snapshot.deadline_at is not None and self.now >= self.snapshot.deadline_at:
            return self.given_up()
        return self._transition(
            State.ACCEPTED,
            due_at=self.rest(outcome.retry_after, self.backoff()),
            consecutive_failures=self.consecutive_failures + 1,
            progress=self._progress(outcome.progress),
        )

    def misconfigured(self, outcome: Misconfigured) -> Unchanged | Transition:
        # The provider pauses; the operation keeps its state and is due as soon as calls go on.
        if self.call is Call.SUBMIT:
            progress = self._progress(outcome.progress)
            return self._transition(State.ACCEPTED, due_at=self.now, progress=progress)
        if self.call is Call.SUPPLY:
            return self._returned(self.now, self.consecutive_failures)
        return self.unchanged(self.snapshot.due_at, consecutive_failures=self.consecutive_failures)

    def _returned(self, due: datetime, consecutive_failures: int) -> Transition:
        """Have an input that was not sent wait again, in its own lane."""
        deadline = self.snapshot.deadline_at
        if deadline is not None:
            due = min(due, max(deadline, self.now))
        return self._transition(
            State.POLLING,
            due_at=due,
            lane=URGENT,
            consecutive_failures=consecutive_failures,
            input_returned=True,
        )

    def end(
        self,
        state: State,
        reason: Reason | None,
        event: EventType,
        outcome: Finished | NeedsPerson | None,
    ) -> Transition:
        answer = None if outcome is None or outcome.answer is None else self.seal(outcome.answer)
        return self._transition(
            state,
            due_at=None,
            finished_at=None if state is State.WAITING_FOR_PERSON else self.now,
            reason=reason,
            result=outcome.result if isinstance(outcome, Finished) else {},
            answer=answer,
            missing=self._still_missing if state is State.WAITING_FOR_PERSON else None,
            progress=self._outlasting(state),
            events=(event,),
            records=outcome.records if isinstance(outcome, Finished) else (),
            with_totals=isinstance(outcome, Finished) and outcome.with_totals,
            yields_to_notification=self._may_be_asked_again(state),
        )

    def _outlasting(self, end: State) -> str | None:
        """Return the part of the progress that a next attempt would begin with.

        The rest is dropped at the end: it may hold a whole list, and the row is kept long.
        """
        if end is State.WAITING_FOR_PERSON or self.snapshot.progress is None:
            return None
        memory = progress_of(self.snapshot)
        return json.dumps(
            dict(self.plugin.carry_over(self.snapshot.kind, memory, next_attempt=True))
        )

    @property
    def _still_missing(self) -> str | None:
        """Return the input that is missing while a person decides; None once it was sent."""
        return self.snapshot.missing if self.snapshot.input_id is None else None

    def _may_be_asked_again(self, end: State) -> bool:
        """Return whether an end is dropped where a notification came during the question."""
        if self.call is Call.SUBMIT:
            # The notification may decide what otherwise only a person could.
            return end is State.WAITING_FOR_PERSON
        return self.call in {Call.CLEAR_UP, Call.POLL, Call.SETTLE}

    def unchanged(
        self,
        due: datetime,
        *,
        consecutive_failures: int,
        progress: str | None = None,
        records: Sequence[Invoice] = (),
    ) -> Unchanged:
        run, closed = self._run()
        return Unchanged(
            snapshot=self.snapshot,
            due_at=due,
            polls=self.polls,
            consecutive_failures=consecutive_failures,
            progress=progress if progress is not None else self.snapshot.progress,
            run=run,
            closed=closed,
            records=sealed_invoices(records, self.seal),
        )

    def backoff(self) -> float:
        return self.plugin.policy.backoff(self.consecutive_failures + 1, self.draw)

    def rest(self, retry_after: float | None, wait: float) -> datetime:
        """Return the next due time: as planned, or later where the provider asked for it."""
        asked = min(retry_after or 0.0, LONGEST_REST)
        return self.now + timedelta(seconds=max(wait, asked))

    def _run(self) -> tuple[Run, Run | None]:
        """Return the journal's open run with this answer in it, and the run that it closed."""
        last = self.snapshot.run
        if last is None or last.note != self.note:
            return Run(self.note, self.at, self.at, 1, self.took), last
        slowest = max(last.slowest, self.took)
        return Run(self.note, last.first_at, self.at, last.count + 1, slowest), None

    def _not_past(self, deadline: datetime, wait: float, began: datetime | None) -> datetime:
        """Return now + wait, but stop once shortly before the deadline, and then at it."""
        due = self.now + timedelta(seconds=wait)
        whole = (deadline - (began or self.snapshot.started_at or self.now)).total_seconds()
        before = self.plugin.last_look_before(whole)
        if before is not None:
            look = deadline - timedelta(seconds=before)
            if self.now < look < due:
                return look
        return min(due, max(deadline, self.now))

    def _progress(self, new: Mapping[str, Any] | None) -> str | None:
        return self.snapshot.progress if new is None else json.dumps(dict(new))

    def _transition(  # noqa: PLR0913 - a transition is all of these
        self,
        state: State,
        *,
        due_at: datetime | None,
        lane: int | None = None,
        deadline_at: datetime | None = None,
        provider_ref: str | None = None,
        consecutive_failures: int | None = None,
        progress: str | None = None,
        started_at: datetime | None = None,
        finished_at: datetime | None = None,
        reason: Reason | None = None,
        result: Mapping[str, Any] | None = None,
        answer: str | None = None,
        missing: str | _Missing | None = _Missing.AS_BEFORE,
        wants: Wanted | None = None,
        events: tuple[EventType, ...] = (),
        input_returned: bool = False,
        accepts_notifications: bool = False,
        records: Sequence[Invoice] = (),
        with_totals: bool = False,
        yields_to_notification: bool = False,
    ) -> Transition:
        snapshot = self.snapshot
        if wants is not None:
            missing = wants.missing
        elif isinstance(missing, _Missing):
            missing = None if state is State.SETTLING else snapshot.missing
        return Transition(
            snapshot=snapshot,
            state=state,
            call=Run(self.note, self.at, self.at, 1, self.took),
            lane=(URGENT if snapshot.started_at is None else ORDINARY) if lane is None else lane,
            due_at=due_at,
            deadline_at=deadline_at or snapshot.deadline_at,
            provider_ref=provider_ref or snapshot.provider_ref,
            polls=self.polls,
            consecutive_failures=self.consecutive_failures
            if consecutive_failures is None
            else consecutive_failures,
            progress=progress if progress is not None else snapshot.progress,
            started_at=started_at,
            finished_at=finished_at,
            reason=reason,
            result=result or {},
            answer=answer,
            missing=missing,
            wants=wants,
            input_returned=input_returned,
            accepts_notifications=accepts_notifications,
            records=sealed_invoices(records, self.seal),
            with_totals=with_totals,
            yields_to_notification=yields_to_notification,
            events=tuple((event, new_id()) for event in events),
        )
