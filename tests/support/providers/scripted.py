"""A provider that answers what a test wrote down for it, and remembers what it was asked."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.polling import PollPolicy
from uprid_client.contract.given import Writing
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.outcomes import (
    Finished,
    NeedsPerson,
    Outcome,
    Pending,
    Prepared,
    Reason,
    Started,
)
from worker.domain.start_data import StartData
from worker.engine.calls import Call
from worker.providers.protocol import Finding, Limits, Work

#: What a question is answered with; may raise or take its time, as plugins are not to.
Line = Callable[[Work], Outcome]

POLICY: Final = PollPolicy(first_after=1, steps=((3, 2),), then=10, jitter=0)
LIMITS: Final = Limits(
    rate_per_second=1000,
    chunk=100,
    threads=4,
    total_timeout=5,
    breaker_failures=5,
    breaker_reset=30,
)
_UNSURE: Final = Reason(ReasonCode.DOUBTFUL_SUBMIT, "Nobody can tell.")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was asked."""

    ask: Call
    reference: str
    attempt: int
    payload: Mapping[str, Any] | None


class ScriptedPlugin:
    """A `Plugin`. By default it takes every submit, is never done, and expires."""

    name = Provider.MONETA

    def __init__(
        self,
        *,
        policy: PollPolicy = POLICY,
        limits: Limits = LIMITS,
        deadline: float = 600,
        last_look: float | None = None,
        prepares: bool = False,
        resumed_for: float | None = None,
    ) -> None:
        self.policy = policy
        self.limits = limits
        self._deadline = deadline
        self._last_look = last_look
        self._prepares = prepares
        self._resumed_for = resumed_for
        self._lock = threading.Lock()
        self._lines: dict[Call, Line] = {
            Call.PREPARE: lambda work: Prepared("prepared", {**work.progress, "ready": True}),
            Call.SUPPLY: lambda _: Pending("supplied", as_after=0),
            Call.SUBMIT: lambda work: Started(f"ref-{work.reference}-{work.attempt}", "taken"),
            Call.CLEAR_UP: lambda _: NeedsPerson(_UNSURE, "unsure"),
            Call.POLL: lambda _: Pending("not yet"),
            Call.SETTLE: lambda _: Finished(State.EXPIRED, "no answer"),
        }
        self.calls: list[Asked] = []
        #: What a look at the host comes to, and how many there were.
        self.seen: Outcome = Pending("answers")
        self.looks = 0

    def answers(self, ask: Call, line: Line | Outcome, *more: Outcome) -> None:
        """Answer a question so from now on; several outcomes are given one after another, for each
        operation by itself, and the last one repeats.
        """
        self._lines[ask] = line if callable(line) else _in_turn((line, *more))

    def asked(self, ask: Call, reference: str | None = None) -> int:
        """Return how often a question was asked, of all operations or of one."""
        with self._lock:
            return sum(
                each.ask is ask and reference in {None, each.reference} for each in self.calls
            )

    def accept(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        payload: object | None,
        writing: Writing = Writing.TODAYS,
    ) -> StartData:
        """Take anything."""
        del writing
        return StartData(kind, arguments, payload if isinstance(payload, dict) else None)

    def correct(
        self,
        kind: str,
        args: Mapping[str, Any],
        payload: object,
        writing: Writing = Writing.TODAYS,
    ) -> StartData:
        """Take anything."""
        return self.accept(kind, args, payload, writing)

    def give_up_after(self, kind: str) -> float:  # noqa: ARG002 - the Protocol's
        """Return the deadline, for submits that never get through as for polls."""
        return self._deadline

    def resumed_for(self, kind: str, *, submitted: bool) -> float | None:  # noqa: ARG002
        """Return what the test chose."""
        return self._resumed_for

    def last_look_before(self, deadline_in: float) -> float | None:  # noqa: ARG002
        """Return what the test chose."""
        return self._last_look

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Prepare, where the test chose so, until it is done."""
        return self._prepares and not progress.get("ready")

    def prepare(self, work: Work) -> Outcome:
        """Answer from the script."""
        return self._said(Call.PREPARE, work)

    def supply(self, work: Work) -> Outcome:
        """Answer from the script."""
        return self._said(Call.SUPPLY, work)

    def carry_over(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Keep what the script has put under `kept`, and what else of the same attempt is asked."""
        del kind
        names = {"kept"} if next_attempt else {"kept", "same"}
        return {name: value for name, value in progress.items() if name in names}

    def submit(self, work: Work) -> Outcome:
        """Answer from the script."""
        return self._said(Call.SUBMIT, work)

    def clear_up(self, work: Work) -> Outcome:
        """Answer from the script."""
        return self._said(Call.CLEAR_UP, work)

    def poll(self, work: Work) -> Outcome:
        """Answer from the script."""
        return self._said(Call.POLL, work)

    def settle(self, work: Work) -> Outcome:
        """Answer from the script."""
        return self._said(Call.SETTLE, work)

    def look(self) -> Outcome:
        """Answer what the test chose, and count."""
        self.looks += 1
        return self.seen

    def check(self) -> list[Finding]:
        """Find nothing."""
        return []

    def close(self) -> None:
        """Close nothing."""

    def _said(self, ask: Call, work: Work) -> Outcome:
        with self._lock:
            self.calls.append(Asked(ask, work.reference, work.attempt, work.payload))
        return self._lines[ask](work)


def _in_turn(outcomes: tuple[Outcome, ...]) -> Line:
    asked: dict[str, int] = {}
    lock = threading.Lock()

    def line(work: Work) -> Outcome:
        with lock:
            turn = asked.get(work.id, 0)
            asked[work.id] = turn + 1
        return outcomes[min(turn, len(outcomes) - 1)]

    return line
