"""A chunk: claimed operations, worked on by a few threads, written back as answers come."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from structlog.contextvars import bind_contextvars

from uprid_client.contract.states import State
from uprid_client.errors import Unsealable
from worker.domain.outcomes import (
    Misconfigured,
    Outcome,
    Pending,
    Trouble,
)
from worker.domain.snapshot import CurrentAttempt
from worker.engine import own_outcomes
from worker.engine.admission import Health
from worker.engine.calls import Answer, Call, next_call, progress_of
from worker.engine.environment import REAL, Environment
from worker.engine.halt import Halt, HaltCheck
from worker.engine.health import HealthWatch
from worker.providers.protocol import Plugin, Work
from worker.store.claims import ERASED, ClaimedSnapshot
from worker.store.database import DATABASE_ERRORS
from worker.store.input_delivery import Supplying

log = structlog.get_logger(__name__)

#: Seconds between two flushes of a chunk: the slowest call holds up no other.
FLUSH_EVERY: Final = 0.25


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was claimed together."""

    claimed: Sequence[ClaimedSnapshot]
    #: Sealed payloads of those that are to be submitted.
    payloads: Mapping[str, str | None]
    #: Sealed notifications, of the operations that have some.
    notifications: Mapping[str, Sequence[str]]
    lease_id: str
    #: The database's time at the claim, and this host's monotonic clock then.
    now: datetime
    began: float


class Working:
    """A chunk being worked on: threads draw operations from it and leave answers in it."""

    def __init__(
        self,
        chunk: Chunk,
        plugin: Plugin,
        halt_check: HaltCheck,
        *,
        unseal: Callable[[str], Any],
        mark: Callable[[ClaimedSnapshot, datetime], bool],
        supply: Callable[[ClaimedSnapshot, datetime], Supplying | None],
        environment: Environment = REAL,
    ) -> None:
        self._chunk = chunk
        self._plugin = plugin
        self._halt_check = halt_check
        self._unseal = unseal
        self._mark = mark
        self._supply = supply
        self._environment = environment
        self._waiting = deque(chunk.claimed)
        self._answers: deque[Answer] = deque()
        self._watch = HealthWatch(plugin.limits.breaker_failures)
        self._looked = False
        self.halt: Halt | None = None

    def run(
        self,
        executor: Executor,
        threads: int,
        flush: Callable[[list[Answer]], None],
        step_aside: Callable[[], None],
    ) -> None:
        """Work the chunk off; `flush` gets the answers, in the calling thread, as they come.

        `step_aside` is called, perhaps more than once, when only the last answers are missing. It
        is not called after a halt: others learn the cause at the end and must not begin before.
        """
        places = min(threads, len(self._chunk.claimed))
        # Each thread with a copy of its own of what is named in all that is logged meanwhile.
        drawing = {executor.submit(copy_context().run, self._draw) for _ in range(places)}
        stumbled: BaseException | None = None
        try:
            while drawing:
                done, drawing = self._environment.wait(drawing, FLUSH_EVERY)
                self._flush(flush)
                for error in (future.exception() for future in done):
                    if error is not None:
                        # A bug of ours. The other threads' answers are written before it is raised.
                        stumbled = stumbled or error
                        self.halt = self.halt or Halt.STUMBLED
                if drawing and not self._waiting and self.halt is None:
                    step_aside()
        finally:
            if drawing:
                # Answers cannot be written any more: no further call may be made.
                self.halt = self.halt or Halt.DATABASE_AWAY
                self._environment.wait(drawing, None)
        if stumbled is not None:
            raise stumbled

    @property
    def health(self) -> Health:
        """What the chunk saw of the provider."""
        return self._watch.health(only_looked=self._looked)

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._watch.calls

    @property
    def misconfigured(self) -> Misconfigured | None:
        """The first outcome that says that our settings are wrong."""
        return self._watch.misconfigured

    def look(self) -> None:
        """Check the provider's host, where no question was asked that shows its health.

        A billed call, or one with an effect, must not be used to find out whether a provider is
        back: only a person may be able to clear up its failure.
        """
        if self.calls or self.halt is not None:
            return
        self.halt = self._halt_check.halted(self._chunk.began)
        if self.halt is not None:
            return
        self._looked = True
        try:
            self._look_at_outcome(self._plugin.look())
        except Exception:
            log.exception("plugin_stumbled", ask="look")
            self._look_at_outcome(Pending("our own error", Trouble.TRANSPORT))

    @property
    def flawless(self) -> bool:
        """Whether there is nothing to report to the other workers."""
        return self.halt is None and self._watch.is_flawless

    def _flush(self, flush: Callable[[list[Answer]], None]) -> None:
        answers = []
        while self._answers:
            answers.append(self._answers.popleft())
        if answers:
            flush(answers)

    def _draw(self) -> None:
        while self.halt is None:
            try:
                snapshot = self._waiting.popleft()
            except IndexError:
                return
            halt = self._halt_check.halted(self._chunk.began, self._chunk.lease_id)
            if halt is not None:
                self.halt = halt
                return
            answer = self._answered(snapshot)
            if answer is not None:
                self._look_at_outcome(answer.outcome)
                self._answers.append(answer)

    def _answered(self, snapshot: ClaimedSnapshot) -> Answer | None:
        """Ask for one operation; None where it must not be asked any more."""
        bind_contextvars(operation=snapshot.id, attempt=snapshot.attempt)
        began = self._environment.monotonic()
        at = self._chunk.now + timedelta(seconds=began - self._chunk.began)
        call = next_call(snapshot, at, self._plugin)
        outcome: Outcome | None = None
        try:
            ready = self._ready(call, snapshot, at)
            if ready is None:
                return None
            snapshot = ready.snapshot
            outcome = self._asked(call, _work(ready, at))
        except Unsealable:
            is_erased = self._chunk.payloads.get(snapshot.id) == ERASED
            outcome = own_outcomes.ERASED if is_erased else own_outcomes.UNREADABLE
        except DATABASE_ERRORS as error:
            log.warning("mark_failed", error=type(error).__name__)
            self.halt = Halt.DATABASE_AWAY
            return None
        took = round((self._environment.monotonic() - began) * 1000)
        return Answer(snapshot, call, outcome, at, took)

    def _ready(self, call: Call, snapshot: ClaimedSnapshot, at: datetime) -> "_Ready | None":
        """Open what a question needs, and mark what must not be asked twice.

        None where it must not be asked. Raises `Unsealable` before anything is marked, and
        `DatabaseUnavailable`.
        """
        match call:
            case Call.PREPARE:
                return _Ready(snapshot, self._payload(snapshot))
            case Call.SUBMIT:
                payload = self._payload(snapshot)
                if not self._mark(snapshot, at):
                    return None
                return _Ready(replace(snapshot, state=State.SUBMITTING), payload)
            case Call.SUPPLY:
                supplying = self._supply(snapshot, at)
                if supplying is None:
                    return None
                sent = replace(
                    snapshot,
                    inputs_sent=snapshot.inputs_sent + 1,
                    inputs_waiting=snapshot.inputs_waiting - 1,
                    input_sent_at=at,
                    input_id=supplying.id,
                )
                return _Ready(sent, opened(self._unseal, supplying.sealed))
            case _:
                sealed = self._chunk.notifications.get(snapshot.id, ())
                notifications = tuple(opened(self._unseal, each) for each in sealed)
                return _Ready(snapshot, None, notifications)

    def _asked(self, call: Call, work: Work) -> Outcome:
        try:
            match call:
                case Call.PREPARE:
                    return self._plugin.prepare(work)
                case Call.SUBMIT:
                    return self._plugin.submit(work)
                case Call.SUPPLY:
                    return self._plugin.supply(work)
                case Call.CLEAR_UP:
                    return self._plugin.clear_up(work)
                case Call.POLL:
                    return self._plugin.poll(work)
                case Call.SETTLE:
                    return self._plugin.settle(work)
        except Exception as error:
            log.exception("plugin_stumbled", ask=call)
            return own_outcomes.stumbled(call, work.consecutive_failures, type(error).__name__)

    def _payload(self, snapshot: ClaimedSnapshot) -> Mapping[str, Any] | None:
        sealed = self._chunk.payloads.get(snapshot.id)
        if sealed == ERASED:
            raise Unsealable
        return None if sealed is None else opened(self._unseal, sealed)

    def _look_at_outcome(self, outcome: Outcome) -> None:
        """Learn about the provider's health from an outcome; stop where going on does harm."""
        halt = self._watch.saw(outcome)
        if halt is not None:
            self.halt = halt


def opened(unseal: Callable[[str], Any], sealed: str) -> Mapping[str, Any]:
    """Return the JSON object that was sealed; raise `Unsealable` where there is none."""
    payload = unseal(sealed)
    if not isinstance(payload, dict):
        raise Unsealable
    return payload


@dataclass(frozen=True, slots=True)
class _Ready:
    """An operation that may be asked about, with what is needed for that."""

    snapshot: ClaimedSnapshot
    payload: Mapping[str, Any] | None = field(default=None, repr=False)
    notifications: Sequence[Mapping[str, Any]] = field(default=(), repr=False)


#: What a plugin sees of a claimed operation as it is.
_SEEN_BY_PLUGINS: Final = tuple(each.name for each in fields(CurrentAttempt))


def _work(ready: _Ready, now: datetime) -> Work:
    snapshot = ready.snapshot
    return Work(
        **{name: getattr(snapshot, name) for name in _SEEN_BY_PLUGINS},
        payload=ready.payload,
        progress=progress_of(snapshot),
        due_at=snapshot.due_at,
        now=now,
        notifications=ready.notifications,
    )
