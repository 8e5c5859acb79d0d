"""A plugin for the simulated servers. Its outcomes are those of the real plugins."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final, Protocol, TypeVar

from config.polling import PollPolicy
from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.plan import Fault, Plan
from tests.harnesses.simulation.server import Server, Task
from uprid_client.contract.given import Writing
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
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
from worker.domain.start_data import StartData
from worker.engine.calls import Call
from worker.providers.protocol import Finding, Work

T = TypeVar("T")

CODES: Final = 5
_CHECKS: Final = 3
_RETRY_AFTER: Final = 6.0
_DOUBTFUL: Final = Reason(ReasonCode.DOUBTFUL_SUBMIT, "It cannot be found out.")
_UNKNOWN: Final = Reason(ReasonCode.UNKNOWN_ANSWER, "It is not documented.")
_WRONG: Final = Reason(ReasonCode.CONFIGURATION, "Wrong credentials.")
_NO: Final = Reason(ReasonCode.DATA_MISMATCH, "No.", retryable=True)
_TOO_LATE: Final = Reason(ReasonCode.DEADLINE_PASSED, "Too late.", retryable=True)


class Caller(Protocol):
    """The process that makes the call."""

    def effect(self, spot: str) -> None:
        """Let other tasks run. The process may die here."""

    def poisoned(self, reference: str) -> None:
        """Die if the operation is one that kills its process."""

    def hangs(self) -> float | None:
        """Return for how many seconds the call hangs; None if it does not."""


class Watch(Protocol):
    """The observer of all calls."""

    def asked(self, ask: Call, work: Work) -> object:
        """Note that a call begins. Return the observer's own record of it."""

    def answered(self, call: object, outcome: Outcome | None) -> None:
        """Note the outcome of a call. None: our own code failed."""

    def looked(self, outcome: Outcome) -> None:
        """Note the outcome of a look at the provider's host."""


class SimulatedPlugin:
    """A `Plugin` that one process uses."""

    def __init__(
        self, kernel: Kernel, plan: Plan, server: Server, caller: Caller, watch: Watch
    ) -> None:
        self._kernel = kernel
        self._plan = plan
        self._server = server
        self._caller = caller
        self._watch = watch
        self.name = server.provider
        self.limits = plan.limits

    @property
    def policy(self) -> PollPolicy:
        """The poll schedule. It changes from time to time."""
        policies = self._plan.policies
        each = self._plan.calm_from / len(policies)
        return policies[min(int(self._kernel.seconds / each), len(policies) - 1)]

    def accept(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        payload: object | None,
        writing: Writing = Writing.TODAYS,
    ) -> StartData:
        """Accept every start."""
        del writing
        person = payload if isinstance(payload, dict) else None
        party = str(person["phone"]) if person and self.name is Provider.NPD else None
        return StartData(kind, dict(arguments), person, party)

    def correct(
        self,
        kind: str,
        args: Mapping[str, Any],
        payload: object,
        writing: Writing = Writing.TODAYS,
    ) -> StartData:
        """Accept every correction."""
        return self.accept(kind, args, payload, writing)

    def give_up_after(self, kind: str) -> float:
        """Return the deadline."""
        del kind
        return self._plan.deadline

    def resumed_for(self, kind: str, *, submitted: bool) -> float | None:
        """Return None for MONETA, where the end can be found out at any time."""
        is_told = submitted and self.name is Provider.MONETA
        return None if is_told else self.give_up_after(kind)

    def last_look_before(self, deadline_in: float) -> float | None:
        """Return what the plan says."""
        del deadline_in
        return self._plan.last_look if self.name is Provider.MONETA else None

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:
        """Return whether a step is left: NPD has two."""
        del kind
        return self.name is Provider.NPD and progress.get("steps", 0) < 2

    def carry_over(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Keep the steps that were done."""
        del kind, next_attempt
        return {name: value for name, value in progress.items() if name == "steps"}

    def prepare(self, work: Work) -> Outcome:
        """Do a step without an effect."""
        steps = int(work.progress.get("steps", 0)) + 1

        def answer(fault: Fault, _task: None) -> Outcome:
            if fault in _FINE:
                return Prepared(f"step {steps}", {**work.progress, "steps": steps})
            if fault is Fault.CREDENTIALS:
                return Misconfigured(_WRONG, fault.value)
            return NotSent(fault.value, _TROUBLES[fault], _wait(fault))

        return self._call(Call.PREPARE, work, lambda: None, answer)

    def submit(self, work: Work) -> Outcome:
        """Start the task, which is billed."""
        phone = str((work.payload or {}).get("phone", ""))

        def answer(fault: Fault, task: Task | None) -> Outcome:
            if fault in _FINE and task is not None:
                return self._started(task)
            return self._not_started(fault)

        return self._call(
            Call.SUBMIT,
            work,
            lambda: self._server.begin(work.reference, work.attempt, phone),
            answer,
        )

    def supply(self, work: Work) -> Outcome:
        """Pass a code on."""
        code = str((work.payload or {})["sms_code"])
        task = self._server.tasks.get(work.provider_ref or "")

        def take() -> None:
            if task is not None:
                self._server.take_code(task, code)

        def answer(fault: Fault, _: None) -> Outcome:
            if fault is Fault.REFUSED:
                return NotSent(fault.value, Trouble.TRANSPORT)
            if fault is Fault.CREDENTIALS:
                return Misconfigured(_WRONG, fault.value)
            trouble = None if fault in _FINE else _TROUBLES[fault]
            return Pending(f"code {fault}", trouble, _wait(fault), as_after=0)

        return self._call(Call.SUPPLY, work, take, answer)

    def clear_up(self, work: Work) -> Outcome:
        """Find out what became of a submit, if that can be found out."""
        if self.name is Provider.MANDARIN:
            return NeedsPerson(_DOUBTFUL, "no session id", calls=0)
        if self.name is Provider.NPD:
            if _told(work, "SUCCESS"):
                return Finished(State.SUCCEEDED, "notification", calls=0)
            return NeedsPerson(_DOUBTFUL, "no notification", calls=0)

        def look() -> State | None:
            task = self._server.of(work.reference, work.attempt)
            return None if task is None else task.said(self._kernel.seconds)

        def answer(fault: Fault, said: State | None) -> Outcome:
            if fault not in _FINE:
                return self._trouble(fault, work)
            if said is State.SUCCEEDED:
                return Finished(said, "profile")
            return NeedsPerson(_DOUBTFUL, "profile")

        return self._call(Call.CLEAR_UP, work, look, answer)

    def poll(self, work: Work) -> Outcome:
        """Ask for the status."""
        if self.name is Provider.NPD:
            if _told(work, "SUCCESS"):
                return Finished(State.SUCCEEDED, "notification", calls=0)
            if _told(work, "EXPIRED"):
                return Settle("notification", calls=0)
            if not self._plan.asked_at_npd:
                return Pending("no notification", again_in=1e6, calls=0)

        def answer(fault: Fault, said: Outcome) -> Outcome:
            return said if fault in _FINE else self._trouble(fault, work)

        return self._call(Call.POLL, work, lambda: self._status(work), answer)

    def settle(self, work: Work) -> Outcome:
        """Ask for the end."""
        if self.name is Provider.NPD:
            told = _told(work, "SUCCESS")
            state = State.SUCCEEDED if told else State.EXPIRED
            return Finished(state, "last look", None if told else _TOO_LATE, calls=0)

        def answer(fault: Fault, said: Outcome) -> Outcome:
            if fault not in _FINE:
                return self._trouble(fault, work)
            if isinstance(said, Finished):
                return said
            checks = int(work.progress.get("checks", 0)) + 1
            if checks >= _CHECKS or self.name is Provider.MANDARIN:
                return Finished(State.EXPIRED, "no answer", _TOO_LATE)
            return Pending("checked", again_in=4.0, progress={**work.progress, "checks": checks})

        return self._call(Call.SETTLE, work, lambda: self._status(work), answer)

    def look(self) -> Outcome:
        """Find out whether the server answers at all."""
        self._caller.effect("call look")
        fault = self._server.fault()
        self._kernel.sleep(self._kernel.random.choice([0.0, 0.02, 0.1]))
        self._caller.effect("answered look")
        serves = fault in _FINE or fault not in _TROUBLES
        trouble = None if serves else _TROUBLES[fault]
        outcome = Pending("looked", trouble, _wait(fault))
        self._watch.looked(outcome)
        return outcome

    def check(self) -> list[Finding]:
        """Find nothing."""
        return []

    def close(self) -> None:
        """Do nothing."""

    def _hang(self, lasting: float) -> None:
        """Answer long after the call was given up, or never."""
        kernel = self._kernel
        kernel.happened("call hangs")
        if lasting == inf:
            kernel.happened("call never returns")
            kernel.park(None)
        kernel.sleep(lasting)
        kernel.happened("call returns after it was given up")

    def _status(self, work: Work) -> Outcome:
        now = self._kernel.seconds
        task = self._server.tasks.get(work.provider_ref or "")
        if task is None:
            return NeedsPerson(_UNKNOWN, "no such task")
        said = self._server.asked(task) if self.name is Provider.NPD else task.said(now)
        if said is not None:
            return Finished(said, "verdict", None if said is State.SUCCEEDED else _NO)
        if self.name is not Provider.MANDARIN or work.missing is not None:
            return Pending("under way")
        left = CODES - work.inputs_sent
        since = work.now - (work.input_sent_at or work.now)
        wrong = bool(task.codes) and task.right not in task.codes
        if (wrong and len(task.codes) >= work.inputs_sent) or since.total_seconds() > 15:
            if left <= 0:
                return Finished(State.REJECTED, "codes spent", _NO)
            return Pending("another code", wants=Wanted("sms_code", left))
        return Pending("code looked at")

    def _started(self, task: Task) -> Outcome:
        if self.name is Provider.MANDARIN:
            wants = Wanted("sms_code", CODES)
            return Started(task.id, "started", as_after=PAST_ALL_STEPS, wants=wants)
        if self.name is Provider.NPD:
            again_in = None if self._plan.asked_at_npd else 1e6
            return Started(task.id, "started", again_in=again_in, accepts_notifications=True)
        return Started(task.id, "started")

    def _not_started(self, fault: Fault) -> Outcome:
        if fault is Fault.REFUSED:
            return NotSent(fault.value, Trouble.TRANSPORT)
        if fault is Fault.CREDENTIALS:
            return Misconfigured(_WRONG, fault.value)
        if self.name is Provider.MANDARIN:
            return NeedsPerson(_DOUBTFUL, fault.value, trouble=_TROUBLES[fault])
        return Doubtful(fault.value, _TROUBLES[fault], _wait(fault))

    def _trouble(self, fault: Fault, work: Work) -> Outcome:
        if fault is Fault.CREDENTIALS:
            return Misconfigured(_WRONG, fault.value)
        if fault is Fault.GARBAGE:
            strange = int(work.progress.get("strange", 0)) + 1
            if strange >= 4:
                return NeedsPerson(_UNKNOWN, "garbage")
            progress = {**work.progress, "strange": strange}
            return Pending("garbage", Trouble.UNKNOWN, progress=progress)
        return Pending(fault.value, _TROUBLES[fault], _wait(fault))

    def _call(
        self, ask: Call, work: Work, take: Callable[[], T], answer: Callable[[Fault, T], Outcome]
    ) -> Outcome:
        """Let the server take a call, even if the caller is gone before the answer."""
        self._caller.effect(f"call {ask}")
        self._caller.poisoned(work.reference)
        call = self._watch.asked(ask, work)
        fault, chance = self._server.fault(), self._kernel.random
        if ask is Call.SUPPLY and self._server.loses_code():
            fault = Fault.REFUSED
        if fault is Fault.NONE and self._server.has_too_many():
            fault = Fault.RATE
        whole = self._plan.total_timeout
        there = chance.choice([0.0, 0.02, 0.1, 0.4])
        back = there + chance.choice([0.0, 0.02, 0.1, 0.4])
        if fault is Fault.SLOW:
            back = whole * 0.99
        if fault in {Fault.LOST, Fault.LATE}:
            back = chance.choice([back, whole])
        taken: list[T] = []
        if fault not in _UNTAKEN and not (fault is Fault.ERROR and chance.random() < 0.5):
            if fault is Fault.LATE:
                there = back + chance.uniform(0.01, 5)
            self._kernel.at(there, lambda: taken.append(take()))
        with self._server.waited_for():
            self._kernel.sleep(back)
            hangs = self._caller.hangs()
            if hangs is not None:
                self._hang(hangs)
        self._caller.effect(f"answered {ask}")
        outcome: Outcome | None = None
        try:
            if fault is Fault.STUMBLE:
                raise ZeroDivisionError
            outcome = answer(fault, taken[0] if taken else None)  # type: ignore[arg-type]
        finally:
            self._kernel.say(ask, work.reference, work.attempt, fault, _short(outcome))
            self._watch.answered(call, outcome)
        return outcome


def _short(outcome: Outcome | None) -> str:
    return "stumbled" if outcome is None else f"{type(outcome).__name__} {outcome.note!r}"


def _told(work: Work, status: str) -> bool:
    return any(
        notification["status"] == status
        and work.provider_ref in {None, str(notification["async_id"])}
        for notification in work.notifications
    )


def _wait(fault: Fault) -> float | None:
    return _RETRY_AFTER if fault is Fault.RATE else None


_FINE: Final = {Fault.NONE, Fault.SLOW}
_UNTAKEN: Final = {Fault.REFUSED, Fault.RATE, Fault.CREDENTIALS}
_TROUBLES: Final = {
    Fault.REFUSED: Trouble.TRANSPORT,
    Fault.LOST: Trouble.TRANSPORT,
    Fault.LATE: Trouble.TRANSPORT,
    Fault.ERROR: Trouble.UNAVAILABLE,
    Fault.RATE: Trouble.UNAVAILABLE,
    Fault.GARBAGE: Trouble.UNKNOWN,
}
