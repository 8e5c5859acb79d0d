"""A chunk: claimed operations, worked on by a few threads, written back as answers come."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

import structlog

from worker.engine.asks import Answer, Ask, next_ask, progress_of
from worker.engine.gate import Health
from worker.engine.host import THIS, Host
from worker.errors import Unsealable
from worker.operations.database import DATABASE_ERRORS
from worker.operations.outcomes import (
    Doubtful,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    ReasonCode,
    Trouble,
)
from worker.operations.snapshot import CurrentAttempt
from worker.operations.states import State
from worker.operations.store.claims import ERASED, Claimed
from worker.operations.store.supplying import Supplying
from worker.providers.base import Plugin, Work

log = structlog.get_logger(__name__)

#: Seconds between two flushes of a chunk: the slowest call holds nobody else up.
FLUSH_EVERY: Final = 0.25
#: An operation on which our own code stumbles this often in a row waits for a person.
_STUMBLES: Final = 5


class Halt(StrEnum):
    """Why a chunk stops before all of it is done; what is left is given back."""

    STOPPING = "stopping"
    LEASE_DOUBTED = "lease_doubted"
    MISCONFIGURED = "misconfigured"
    PROVIDER_SICK = "provider_sick"
    TOLD_TO_REST = "told_to_rest"
    DATABASE_AWAY = "database_away"
    ANOTHER_ALONE = "another_alone"
    STUMBLED = "stumbled"


class Guard(Protocol):
    """Whether this process may go on working."""

    def halted(self, taken_at: float, token: str | None = None) -> Halt | None:
        """Return why a chunk that was taken then, under a token, must stop, or None.

        By this host's monotonic clock. Called before every request: must be cheap.
        """


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was claimed together."""

    claimed: Sequence[Claimed]
    #: Sealed payloads of those that are to be submitted.
    payloads: Mapping[str, str | None]
    #: Sealed notifications of those that were spoken of.
    notices: Mapping[str, Sequence[str]]
    token: str
    #: The database's time at the claim, and this host's monotonic clock then.
    now: datetime
    began: float


class Working:
    """A chunk being worked on: threads draw operations from it and leave answers in it."""

    def __init__(
        self,
        chunk: Chunk,
        plugin: Plugin,
        guard: Guard,
        *,
        unseal: Callable[[str], Any],
        mark: Callable[[Claimed, datetime], bool],
        supply: Callable[[Claimed, datetime], Supplying | None],
        host: Host = THIS,
    ) -> None:
        self._chunk = chunk
        self._plugin = plugin
        self._guard = guard
        self._unseal = unseal
        self._mark = mark
        self._supply = supply
        self._host = host
        self._waiting = deque(chunk.claimed)
        self._answers: deque[Answer] = deque()
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._any_answered = False
        self._rest = 0.0
        self._looked = False
        self.halt: Halt | None = None
        self.misconfigured: Misconfigured | None = None
        self.calls = 0

    def run(
        self,
        executor: Executor,
        threads: int,
        flush: Callable[[list[Answer]], None],
        step_aside: Callable[[], None],
    ) -> None:
        """Work the chunk off; `flush` gets the answers, in the calling thread, as they come.

        `step_aside` is called, perhaps more than once, when there is only the last to wait for. Not
        after a halt: what it was for is told at the end, and until then nobody should go on.
        """
        places = min(threads, len(self._chunk.claimed))
        drawing = {executor.submit(self._draw) for _ in range(places)}
        stumbled: BaseException | None = None
        try:
            while drawing:
                done, drawing = self._host.wait(drawing, FLUSH_EVERY)
                self._flush(flush)
                for error in (future.exception() for future in done):
                    if error is not None:
                        # Ours. What the others still hear is written down before it is raised.
                        stumbled = stumbled or error
                        self.halt = self.halt or Halt.STUMBLED
                if drawing and not self._waiting and self.halt is None:
                    step_aside()
        finally:
            if drawing:
                # Nobody can write answers down any more: no further question may be asked.
                self.halt = self.halt or Halt.DATABASE_AWAY
                self._host.wait(drawing, None)
        if stumbled is not None:
            raise stumbled

    @property
    def health(self) -> Health:
        """What the chunk saw of the provider."""
        only_looked = self._looked and self._any_answered
        return Health(self._failed_in_a_row, self._any_answered, self._rest, only_looked)

    def look(self) -> None:
        """Look at the provider's host, where no question has been asked that tells of its health.

        What costs or has effect is no way to find out whether a provider is back: its failure may
        be one that only a person can clear up.
        """
        if self.calls or self.halt is not None:
            return
        self.halt = self._guard.halted(self._chunk.began)
        if self.halt is not None:
            return
        self._looked = True
        try:
            self._notice(self._plugin.look())
        except Exception:
            log.exception("plugin_stumbled", provider=self._plugin.name, ask="look")
            self._notice(Pending("our own error", Trouble.TRANSPORT))

    @property
    def flawless(self) -> bool:
        """Whether nothing happened that the other workers should know."""
        return self.halt is None and self._failed_in_a_row == 0

    def _flush(self, flush: Callable[[list[Answer]], None]) -> None:
        answers = []
        while self._answers:
            answers.append(self._answers.popleft())
        if answers:
            flush(answers)

    def _draw(self) -> None:
        while self.halt is None:
            try:
                claimed = self._waiting.popleft()
            except IndexError:
                return
            halt = self._guard.halted(self._chunk.began, self._chunk.token)
            if halt is not None:
                self.halt = halt
                return
            answer = self._answered(claimed)
            if answer is not None:
                self._notice(answer.outcome)
                self._answers.append(answer)

    def _answered(self, claimed: Claimed) -> Answer | None:
        """Ask for one operation; None where it must not be asked any more."""
        began = self._host.monotonic()
        at = self._chunk.now + timedelta(seconds=began - self._chunk.began)
        ask = next_ask(claimed, at, self._plugin)
        outcome: Outcome | None = None
        try:
            ready = self._ready(ask, claimed, at)
            if ready is None:
                return None
            claimed = ready.claimed
            outcome = self._asked(ask, _work(ready, at))
        except Unsealable:
            is_erased = self._chunk.payloads.get(claimed.id) == ERASED
            outcome = _ERASED if is_erased else _UNREADABLE
        except DATABASE_ERRORS as error:
            log.warning("mark_failed", operation=claimed.id, error=type(error).__name__)
            self.halt = Halt.DATABASE_AWAY
            return None
        took = round((self._host.monotonic() - began) * 1000)
        return Answer(claimed, ask, outcome, at, took)

    def _ready(self, ask: Ask, claimed: Claimed, at: datetime) -> "_Ready | None":
        """Open what a question needs, and mark what must not be asked twice.

        None where it must not be asked. Raises `Unsealable` before anything is marked, and
        `DatabaseUnavailable`.
        """
        match ask:
            case Ask.PREPARE:
                return _Ready(claimed, self._payload(claimed))
            case Ask.SUBMIT:
                payload = self._payload(claimed)
                if not self._mark(claimed, at):
                    return None
                return _Ready(replace(claimed, state=State.SUBMITTING), payload)
            case Ask.SUPPLY:
                supplying = self._supply(claimed, at)
                if supplying is None:
                    return None
                sent = replace(
                    claimed,
                    inputs_sent=claimed.inputs_sent + 1,
                    inputs_waiting=claimed.inputs_waiting - 1,
                    input_sent_at=at,
                    input_id=supplying.id,
                )
                return _Ready(sent, opened(self._unseal, supplying.sealed))
            case _:
                sealed = self._chunk.notices.get(claimed.id, ())
                notices = tuple(opened(self._unseal, each) for each in sealed)
                return _Ready(claimed, None, notices)

    def _asked(self, ask: Ask, work: Work) -> Outcome:
        try:
            match ask:
                case Ask.PREPARE:
                    return self._plugin.prepare(work)
                case Ask.SUBMIT:
                    return self._plugin.submit(work)
                case Ask.SUPPLY:
                    return self._plugin.supply(work)
                case Ask.CLEAR_UP:
                    return self._plugin.clear_up(work)
                case Ask.POLL:
                    return self._plugin.poll(work)
                case Ask.SETTLE:
                    return self._plugin.settle(work)
        except Exception as error:
            log.exception("plugin_stumbled", provider=self._plugin.name, operation=work.id, ask=ask)
            return _stumbled(ask, work, type(error).__name__)

    def _payload(self, claimed: Claimed) -> Mapping[str, Any] | None:
        sealed = self._chunk.payloads.get(claimed.id)
        if sealed == ERASED:
            raise Unsealable
        return None if sealed is None else opened(self._unseal, sealed)

    def _notice(self, outcome: Outcome) -> None:
        """Learn about the provider's health from an answer; stop where going on does harm."""
        trouble = getattr(outcome, "trouble", None)
        with self._lock:
            self.calls += outcome.calls
            if isinstance(outcome, Misconfigured):
                self.misconfigured = self.misconfigured or outcome
                self.halt = Halt.MISCONFIGURED
            if trouble is None and outcome.calls == 0:
                # Nobody was asked: that says nothing of the provider's health.
                return
            if trouble is None or not trouble.feeds_breaker:
                self._failed_in_a_row = 0
                self._any_answered = True
                return
            self._failed_in_a_row += 1
            if isinstance(outcome, Pending | NotSent | Doubtful) and outcome.retry_after:
                self._rest = max(self._rest, outcome.retry_after)
                self.halt = Halt.TOLD_TO_REST
            elif self._failed_in_a_row >= self._plugin.limits.breaker_failures:
                self.halt = Halt.PROVIDER_SICK


def opened(unseal: Callable[[str], Any], sealed: str) -> Mapping[str, Any]:
    """Return the JSON object that was sealed; raise `Unsealable` where there is none."""
    payload = unseal(sealed)
    if not isinstance(payload, dict):
        raise Unsealable
    return payload


_UNREADABLE: Final = NeedsPerson(
    Reason(
        ReasonCode.PAYLOAD_UNREADABLE,
        "The sealed payload opens with none of the keys: put its key back and resume.",
        retryable=True,
    ),
    note="payload does not open",
    calls=0,
)

_ERASED: Final = NeedsPerson(
    Reason(
        ReasonCode.ERASED,
        "Its data were erased past their retention: retry with the data.",
        retryable=True,
    ),
    note="payload was erased",
    calls=0,
)


@dataclass(frozen=True, slots=True)
class _Ready:
    """An operation that may be asked about, with what is needed for that."""

    claimed: Claimed
    payload: Mapping[str, Any] | None = field(default=None, repr=False)
    notices: Sequence[Mapping[str, Any]] = field(default=(), repr=False)


#: What a plugin sees of a claimed operation as it is.
_SEEN_BY_PLUGINS: Final = tuple(each.name for each in fields(CurrentAttempt))


def _work(ready: _Ready, now: datetime) -> Work:
    claimed = ready.claimed
    return Work(
        **{name: getattr(claimed, name) for name in _SEEN_BY_PLUGINS},
        payload=ready.payload,
        progress=progress_of(claimed),
        due_at=claimed.due_at,
        now=now,
        notices=ready.notices,
    )


def _stumbled(ask: Ask, work: Work, error: str) -> Outcome:
    note = f"our own error: {error}"
    if ask is Ask.SUBMIT:
        # It may have stumbled after the call: that is to be found out, not repeated.
        return Doubtful(note=note, trouble=Trouble.UNKNOWN)
    if work.faults + 1 >= _STUMBLES:
        reason = Reason(
            ReasonCode.PROVIDER_ERROR,
            "The worker stumbled over this operation again and again; the log says where.",
            provider_code=error,
        )
        return NeedsPerson(reason, note=note)
    return Pending(note=note, trouble=Trouble.UNKNOWN)
