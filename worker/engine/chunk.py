"""A chunk: claimed operations, worked on by a few threads, written back as answers come."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

import structlog

from worker.engine.decisions import Answer, Ask, next_ask
from worker.engine.gate import Health
from worker.errors import DatabaseUnavailable, Unsealable
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
from worker.operations.states import State
from worker.operations.store.claims import Claimed
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


class Guard(Protocol):
    """Whether this process may go on working."""

    def halted(self) -> Halt | None:
        """Return why the chunk must stop, or None. Called before every request: must be cheap."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was claimed together."""

    claimed: Sequence[Claimed]
    #: Sealed payloads of those that are to be submitted.
    payloads: Mapping[str, str | None]
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
    ) -> None:
        self._chunk = chunk
        self._plugin = plugin
        self._guard = guard
        self._unseal = unseal
        self._mark = mark
        self._waiting = deque(chunk.claimed)
        self._answers: deque[Answer] = deque()
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._any_answered = False
        self._rest = 0.0
        self.halt: Halt | None = None
        self.misconfigured: Misconfigured | None = None
        self.calls = 0

    def run(self, executor: Executor, threads: int, flush: Callable[[list[Answer]], None]) -> None:
        """Work the chunk off; `flush` gets the answers, in the calling thread, as they come."""
        if len(self._chunk.claimed) == 1:
            self._draw()
            self._flush(flush)
            return
        places = min(threads, len(self._chunk.claimed))
        drawing = {executor.submit(self._draw) for _ in range(places)}
        try:
            while drawing:
                done, drawing = wait(drawing, timeout=FLUSH_EVERY)
                self._flush(flush)
                for future in done:
                    future.result()
        finally:
            if drawing:
                # Nobody can write answers down any more: no further question may be asked.
                self.halt = self.halt or Halt.DATABASE_AWAY
                wait(drawing)

    @property
    def health(self) -> Health:
        """What the chunk saw of the provider."""
        return Health(self._failed_in_a_row, self._any_answered, self._rest)

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
            halt = self._guard.halted()
            if halt is not None:
                self.halt = halt
                return
            answer = self._answered(claimed)
            if answer is not None:
                self._notice(answer.outcome)
                self._answers.append(answer)

    def _answered(self, claimed: Claimed) -> Answer | None:
        """Ask for one operation; None where it must not be asked any more."""
        began = time.monotonic()
        at = self._chunk.now + timedelta(seconds=began - self._chunk.began)
        ask = next_ask(claimed, at)
        outcome: Outcome | None = None
        payload: Mapping[str, Any] | None = None
        if ask is Ask.SUBMIT:
            try:
                payload = self._payload(claimed)
                if not self._mark(claimed, at):
                    return None
                claimed = replace(claimed, state=State.SUBMITTING)
            except Unsealable:
                outcome = _UNREADABLE
            except DatabaseUnavailable:
                self.halt = Halt.DATABASE_AWAY
                return None
        if outcome is None:
            outcome = self._asked(ask, _work(claimed, payload, at))
        took = round((time.monotonic() - began) * 1000)
        return Answer(claimed, ask, outcome, at, took)

    def _asked(self, ask: Ask, work: Work) -> Outcome:
        try:
            match ask:
                case Ask.SUBMIT:
                    return self._plugin.submit(work)
                case Ask.CLEAR_UP:
                    return self._plugin.clear_up(work)
                case Ask.POLL:
                    return self._plugin.poll(work)
                case Ask.SETTLE:
                    return self._plugin.settle(work)
        except Exception as error:
            log.exception("plugin_stumbled", provider=work.kind, operation=work.id, ask=ask)
            return _stumbled(ask, work, type(error).__name__)

    def _payload(self, claimed: Claimed) -> Mapping[str, Any] | None:
        sealed = self._chunk.payloads.get(claimed.id)
        if sealed is None:
            return None
        payload = self._unseal(sealed)
        if not isinstance(payload, dict):
            raise Unsealable
        return payload

    def _notice(self, outcome: Outcome) -> None:
        """Learn about the provider's health from an answer; stop where going on does harm."""
        trouble = getattr(outcome, "trouble", None)
        with self._lock:
            self.calls += outcome.calls
            if isinstance(outcome, Misconfigured):
                self.misconfigured = self.misconfigured or outcome
                self.halt = Halt.MISCONFIGURED
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


_UNREADABLE: Final = NeedsPerson(
    Reason(
        ReasonCode.PAYLOAD_UNREADABLE,
        "The sealed payload opens with none of the keys: put its key back and resume.",
        retryable=True,
    ),
    note="payload does not open",
    calls=0,
)


def _work(claimed: Claimed, payload: Mapping[str, Any] | None, now: datetime) -> Work:
    return Work(
        id=claimed.id,
        reference=claimed.reference,
        kind=claimed.kind,
        state=claimed.state,
        attempt=claimed.attempt,
        args=claimed.args,
        payload=payload,
        provider_ref=claimed.provider_ref,
        progress=json.loads(claimed.progress) if claimed.progress else {},
        polls=claimed.polls,
        faults=claimed.faults,
        due_at=claimed.due_at,
        deadline_at=claimed.deadline_at,
        now=now,
    )


def _stumbled(ask: Ask, work: Work, error: str) -> Outcome:
    note = f"our own error: {error}"
    if ask is Ask.SUBMIT:
        return Doubtful(note=note, trouble=Trouble.UNKNOWN)
    if work.faults + 1 >= _STUMBLES:
        reason = Reason(
            ReasonCode.PROVIDER_ERROR,
            "The worker stumbled over this operation again and again; the log says where.",
            provider_code=error,
        )
        return NeedsPerson(reason, note=note)
    return Pending(note=note, trouble=Trouble.UNKNOWN)
