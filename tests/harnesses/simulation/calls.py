"""Promises 3 and 8 from the provider's side: which calls are made, how often, and when."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tests.harnesses.simulation.database import store
from tests.harnesses.simulation.errand import Errand
from tests.harnesses.simulation.kernel import BEGIN, Kernel
from tests.harnesses.simulation.plan import Plan
from tests.harnesses.simulation.violation import require
from worker.domain.outcomes import Misconfigured, NotSent, Outcome, Pending, Started
from worker.engine.calls import Call
from worker.providers.protocol import Work

if TYPE_CHECKING:
    from tests.harnesses.simulation.rows import Row

#: Codes that wait to be sent.
_WAITING: Final = (
    "SELECT count(*) FROM input WHERE operation_id = ? AND attempt = ? AND sent_at IS NULL"
)
#: Seconds by which a clock may be off, together with the time that a step takes.
SLACK: Final = 0.2


@dataclass(eq=False)
class Asked:
    """One call."""

    ask: Call
    reference: str
    attempt: int
    polls: int
    consecutive_failures: int
    code: str | None
    at: float
    #: When its operation was claimed. A poll that was asked for after that is still to come.
    claimed_at: float
    ended: float | None = None
    #: None while the call is under way. It stays None if no process received the answer.
    outcome: Outcome | None = None


@dataclass
class _Course:
    """The calls of one attempt."""

    calls: list[Asked] = field(default_factory=list)
    #: Whether the attempt has had its one poll shortly before the deadline, beside the schedule.
    looked: bool = False

    def last(self, *asks: Call) -> Asked | None:
        return next((each for each in reversed(self.calls) if each.ask in asks), None)


class Calls:
    """Watches every call of every process."""

    def __init__(self, kernel: Kernel, plan: Plan) -> None:
        self._kernel = kernel
        self._plan = plan
        self._courses: dict[tuple[str, int], _Course] = defaultdict(_Course)
        #: When an operation was last asked for out of turn, by reference.
        self.hastened: dict[str, float] = {}
        #: When something last happened that loses answers: a death, a freeze, an outage.
        self.disturbed = -1.0
        self.submits = 0

    def asked(self, ask: Call, work: Work) -> Asked:
        """Check a call as it begins."""
        within = self._kernel.current.within
        require(within is None, "no call within a transaction", ask, within)
        code = str((work.payload or {}).get("sms_code")) if ask is Call.SUPPLY else None
        now = self._kernel.seconds
        claimed_at = self._errand.claimed_at
        call = Asked(
            ask,
            work.reference,
            work.attempt,
            work.polls,
            work.consecutive_failures,
            code,
            now,
            claimed_at,
        )
        course = self._courses[work.reference, work.attempt]
        if ask in {Call.SUBMIT, Call.SUPPLY}:
            self.submits += ask is Call.SUBMIT
            for before in course.calls:
                if before.ask is ask and before.code == code:
                    certain = isinstance(before.outcome, NotSent | Misconfigured)
                    require(
                        certain, "a billed call is made once", ask, work.reference, work.attempt,
                        "again after", before.outcome,
                    )  # fmt: skip
        if ask is Call.POLL:
            self._in_time(call, course)
        course.calls.append(call)
        return call

    def answered(self, call: object, outcome: Outcome | None) -> None:
        """Note the outcome of a call."""
        assert isinstance(call, Asked)
        call.outcome, call.ended = outcome, self._kernel.seconds
        self._learned(outcome)

    def put_back(self, since: datetime, rows: Iterable["Row"]) -> None:
        """Note that the database has lost the commits since a time.

        Attempts that began since then, and codes that came since then, are forgotten here as well:
        the database knows nothing of them, so it can promise nothing about them.
        """
        raw = store().raw
        begun = (since - BEGIN).total_seconds()
        known = {(row.reference, number): row for row in rows for number in range(row.attempt + 1)}
        for key in [key for key in self._courses if key not in known]:
            del self._courses[key]
            self._kernel.happened("attempt lost with its commit")
        for key, course in self._courses.items():
            row = known[key]
            self.hastened[row.reference] = self._kernel.seconds
            (left,) = raw.execute(_WAITING, (row.id, key[1])).fetchone()
            kept = []
            for call in course.calls:
                supplied = call.ask is Call.SUPPLY and call.at >= begun
                left -= supplied
                if not supplied or left >= 0:
                    kept.append(call)
            course.calls = kept

    def looked(self, outcome: Outcome) -> None:
        """Note the outcome of a look at the provider's host."""
        self._learned(outcome)

    def last(self, reference: str, attempt: int) -> Asked | None:
        """Return the last call of an attempt."""
        return self._courses[reference, attempt].last(*Call)

    def _learned(self, outcome: Outcome | None) -> None:
        errand = self._errand
        errand.outcomes.append(outcome)
        errand.heard_at = self._kernel.seconds

    @property
    def _errand(self) -> Errand:
        errand = self._kernel.current.errand
        assert isinstance(errand, Errand)
        return errand

    def _in_time(self, call: Asked, course: _Course) -> None:
        before = course.last(Call.POLL, Call.SUBMIT, Call.SUPPLY)
        if before is None or before.claimed_at <= self.hastened.get(call.reference, -1.0):
            return
        if before.ended is None or (before.ask is Call.POLL and call.polls <= before.polls):
            # The answer was lost, or never stored.
            require(
                self.disturbed >= before.at, "no poll before its time", call.reference,
                "asked again although nothing was lost", before, call,
            )  # fmt: skip
            return
        wait, since = self._least(before), before.ended
        if call.at >= since + wait - SLACK:
            return
        # One poll shortly before the deadline is allowed beside the schedule.
        require(
            self._plan.last_look is not None and not course.looked, "no poll before its time",
            call.reference, f"{call.at - since:.3f} s after the last, not {wait:.3f}", before,
        )  # fmt: skip
        course.looked = True

    def _least(self, before: Asked) -> float:
        """Return the shortest wait that the schedule allows after a call."""
        outcome = before.outcome
        if isinstance(outcome, Misconfigured):
            return 0.0
        if isinstance(outcome, Started | Pending) and outcome.again_in is not None:
            return outcome.again_in
        policies = self._plan.policies
        stumbled = outcome is None or (isinstance(outcome, Pending) and outcome.trouble is not None)
        if stumbled and before.ask is Call.POLL:
            return min(policy.backoff(before.consecutive_failures + 1, 0.0) for policy in policies)
        polls = before.polls + 1 if before.ask is Call.POLL else 0
        return min(policy.wait(polls, 0.0) for policy in policies)
