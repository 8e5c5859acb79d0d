"""Health: what a chunk learns about its provider from the outcomes of its calls."""

import threading
from typing import assert_never

from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Prepared,
    Settle,
    Started,
    Trouble,
)
from worker.engine.admission import Health
from worker.engine.halt import Halt


class HealthWatch:
    """What a chunk has seen of its provider so far. For any of its threads.

    `breaker_failures`: failures in a row after which the provider is called sick.
    """

    def __init__(self, breaker_failures: int) -> None:
        self._breaker_failures = breaker_failures
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._any_answered = False
        self._rest = 0.0
        #: Requests so far.
        self.calls = 0
        #: The first outcome that says that our settings are wrong.
        self.misconfigured: Misconfigured | None = None

    def saw(self, outcome: Outcome) -> Halt | None:
        """Note an outcome; return why the chunk must stop, or None where it may go on."""
        with self._lock:
            self.calls += outcome.calls
            halt = self._misconfigured(outcome)
            trouble = trouble_of(outcome)
            if trouble is None and outcome.calls == 0:
                # Without a request there is nothing to learn about the provider's health.
                return halt
            if trouble is None or not trouble.feeds_breaker:
                self._failed_in_a_row = 0
                self._any_answered = True
                return halt
            return self._failed(outcome) or halt

    def health(self, *, only_looked: bool) -> Health:
        """Return what the chunk saw of the provider; `only_looked`: its host was only looked at."""
        answered = self._any_answered
        return Health(self._failed_in_a_row, answered, self._rest, only_looked and answered)

    @property
    def is_flawless(self) -> bool:
        """Whether the last call did not fail."""
        return self._failed_in_a_row == 0

    def _misconfigured(self, outcome: Outcome) -> Halt | None:
        if not isinstance(outcome, Misconfigured):
            return None
        self.misconfigured = self.misconfigured or outcome
        return Halt.MISCONFIGURED

    def _failed(self, outcome: Outcome) -> Halt | None:
        self._failed_in_a_row += 1
        if isinstance(outcome, Pending | NotSent | Doubtful) and outcome.retry_after:
            self._rest = max(self._rest, outcome.retry_after)
            return Halt.PROVIDER_RESTS
        return Halt.PROVIDER_SICK if self._failed_in_a_row >= self._breaker_failures else None


def trouble_of(outcome: Outcome) -> Trouble | None:
    """Return the trouble that kept an answer from us, or None."""
    match outcome:
        case Pending() | NotSent() | Doubtful() | NeedsPerson():
            return outcome.trouble
        case Prepared() | Started() | Settle() | Finished() | Misconfigured():
            return None
        case _:
            assert_never(outcome)
