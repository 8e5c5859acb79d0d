"""A provider's server: what it has really taken, and what it will answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.plan import Fault, Plan
from uprid_client.contract.states import State
from uprid_client.names import Provider

#: Verdicts, the likelier ones more often. None: the task never ends.
_VERDICTS: Final = (State.SUCCEEDED, State.SUCCEEDED, State.REJECTED, State.REJECTED, None)


@dataclass
class Task:
    """A task that the server has begun."""

    id: str
    reference: str
    attempt: int
    phone: str
    #: Seconds.
    begun: float
    ends: float
    verdict: State | None
    #: Codes that came, and the one that is right.
    codes: list[str] = field(default_factory=list)
    right: str = "1111"
    #: Whether a poll of its end has triggered the notification.
    told_as_asked: bool = False

    def said(self, now: float) -> State | None:
        """Return the verdict, if there is one yet."""
        return self.verdict if now >= self.ends else None


class Server:
    """One provider. Its state changes when it takes a call, even if the caller is gone by then."""

    def __init__(
        self,
        kernel: Kernel,
        plan: Plan,
        provider: Provider,
        notify: Callable[[Task, str], None],
    ) -> None:
        self._kernel = kernel
        self._plan = plan
        self.provider = provider
        self._notify = notify
        #: A source of randomness of its own, for faults that would otherwise be too rare.
        self._luck = Random(f"{provider} {plan}")
        self.tasks: dict[str, Task] = {}
        #: Whether faults still happen.
        self.rough = True
        #: Calls whose callers wait.
        self.under_way = 0

    def fault(self) -> Fault:
        """Draw the fault of the next call."""
        if not self.rough:
            return Fault.NONE
        now, chance, plan = self._kernel.seconds, self._kernel.random, self._plan
        for outage in plan.outages:
            within = outage.provider is self.provider and outage.begins <= now < outage.ends
            if within and chance.random() < outage.likely:
                return outage.fault
        if chance.random() < plan.stumble:
            return Fault.STUMBLE
        if chance.random() < plan.faults:
            return chance.choice(_ORDINARY)
        return Fault.NONE

    def begin(self, reference: str, attempt: int, phone: str) -> Task:
        """Take a submit, which is billed."""
        chance, now = self._kernel.random, self._kernel.seconds
        coded = self.provider is Provider.MANDARIN
        number = 1000 + len(self.tasks)
        task = Task(
            id=str(number), reference=reference, attempt=attempt, phone=phone, begun=now,
            ends=1e9 if coded else now + chance.uniform(0, self._plan.deadline * 1.3),
            verdict=chance.choice(_VERDICTS),
        )  # fmt: skip
        self.tasks[task.id] = task
        self._kernel.say("server took", self.provider, reference, attempt, "as", task.id)
        if self.provider is Provider.NPD:
            self._announce(task)
        if self.provider is Provider.MONETA:
            self._hint(task)
        return task

    def asked(self, task: Task) -> State | None:
        """Return the verdict, if there is one yet. A poll may trigger the notification."""
        said = task.said(self._kernel.seconds)
        if said is not None and not task.told_as_asked and self._luck.random() < 0.7:
            task.told_as_asked = True
            status = "SUCCESS" if said is State.SUCCEEDED else "EXPIRED"
            self._kernel.at(self._luck.choice([0.0, 0.05, 0.2]), lambda: self._notify(task, status))
        return said

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Count a call as under way."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def has_too_many(self) -> bool:
        """Return whether a call is refused with 429 because others are under way."""
        crowd = self.rough and self._plan.faults > 0 and self.under_way > 0
        return crowd and self._luck.random() < 0.25

    def loses_code(self) -> bool:
        """Return whether the connection for a code is refused: often, because codes are few."""
        return self.rough and self._plan.faults > 0 and self._luck.random() < 0.2

    def of(self, reference: str, attempt: int) -> Task | None:
        """Return the task of an attempt."""
        for task in self.tasks.values():
            if (task.reference, task.attempt) == (reference, attempt):
                return task
        return None

    def take_code(self, task: Task, code: str) -> None:
        """Take a code. The right one brings a verdict."""
        task.codes.append(code)
        if code == task.right and task.ends > 1e8:
            task.verdict = task.verdict or State.SUCCEEDED
            task.ends = self._kernel.seconds + self._kernel.random.uniform(0, 10)

    def _hint(self, task: Task) -> None:
        """Send a callback at the end, perhaps, and perhaps one before the end."""
        chance, left = self._kernel.random, task.ends - self._kernel.seconds
        for likely, after in ((0.5, left + chance.choice([0.0, 0.1, 1.0])), (0.3, left / 2)):
            if chance.random() < likely:
                self._kernel.at(after, lambda: self._notify(task, "hint"))

    def _announce(self, task: Task) -> None:
        """Send a notification of the end: mostly once, sometimes twice or never."""
        chance = self._kernel.random
        status = "SUCCESS" if task.verdict is State.SUCCEEDED else "EXPIRED"
        if chance.random() < 0.15:
            return
        for _ in range(chance.choice([1, 1, 2])):
            after = max(task.ends - self._kernel.seconds, 0) + chance.choice([0.0, 0.1, 5.0])
            self._kernel.at(after, lambda: self._notify(task, status))
        if chance.random() < 0.1:
            after = max(task.ends - self._kernel.seconds, 0)
            self._kernel.at(after, lambda: self._notify(task, "EXPIRED"))


_ORDINARY: Final = (
    Fault.REFUSED, Fault.LOST, Fault.LATE, Fault.ERROR, Fault.RATE, Fault.GARBAGE, Fault.SLOW,
)  # fmt: skip
