"""The broker: its queues and markers can be lost, and messages come late, twice or never."""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.queues import Wake
from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.plan import Plan
from uprid_client.errors import BrokerUnavailable
from uprid_client.names import Provider, Task
from worker.engine.wakeups import _marker


@dataclass(frozen=True, slots=True, order=True)
class ChunkMessage:
    """A message that asks for work on a provider's due operations."""

    provider: Provider
    wake: Wake
    slot: datetime

    def __str__(self) -> str:
        return f"{self.provider} {self.wake} {self.slot:%M:%S.%f}"


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """A message for an intake task. It is acknowledged late."""

    id: str
    task: Task
    arguments: Mapping[str, Any] = field(compare=False, repr=False)
    tried: int = 0

    def __str__(self) -> str:
        return f"{self.task} {self.id} {self.arguments.get('reference', '')}"


Message = ChunkMessage | TaskMessage


class Broker:
    """One server. It offers a due message to `deliver`, and again soon if no process took it."""

    def __init__(self, kernel: Kernel, plan: Plan, deliver: Callable[[Message], bool]) -> None:
        self._kernel = kernel
        self._plan = plan
        self._deliver = deliver
        self._waiting: list[tuple[float, int, Message]] = []
        self._count = 0
        self._markers: dict[str, float] = {}
        self._published: set[str] = set()
        self.away = False
        #: Whether messages are still lost, late or doubled.
        self.rough = True
        #: Chunk messages that were ever published.
        self.chunks = 0

    def publish(self, message: Message, countdown: float = 0.0) -> None:
        """Take a message."""
        self.reach()
        chance = self._kernel.random
        if isinstance(message, ChunkMessage):
            self.chunks += 1
            self._published.add(_marker(message.provider, message.wake, message.slot))
        if self.rough and chance.random() < self._plan.lost:
            self._kernel.say("lost", message)
            return
        if self.rough and chance.random() < self._plan.late:
            countdown += chance.uniform(0, 20)
        self._put(message, countdown)
        if self.rough and chance.random() < self._plan.doubled:
            self._put(message, countdown + chance.choice([0.0, 0.01, 5.0, 25.0]))

    def again(self, message: Message, countdown: float) -> None:
        """Deliver a message again that was delivered and not acknowledged."""
        self._put(message, countdown)

    def unread(self, provider: Provider) -> int:
        """Return how many of a provider's chunk messages are due and not taken."""
        self.reach()
        now = self._kernel.seconds
        return sum(
            isinstance(message, ChunkMessage) and message.provider == provider and at <= now
            for at, _, message in self._waiting
        )

    def marked(self, names: list[str]) -> set[str]:
        """Return the markers that are set."""
        self.reach()
        now = self._kernel.seconds
        return {name for name in names if self._markers.get(name, now) > now}

    def mark(self, names: list[str], seconds: float) -> None:
        """Set markers."""
        self.reach()
        until = self._kernel.seconds + seconds
        self._markers.update(dict.fromkeys(names, until))

    def strangers(self) -> list[str]:
        """Return the markers of messages that were never published."""
        return sorted(set(self._markers) - self._published)

    @property
    def waiting(self) -> Counter[Provider]:
        """The number of waiting chunk messages, by provider."""
        return Counter(m.provider for _, _, m in self._waiting if isinstance(m, ChunkMessage))

    def flush(self, *, queues: bool = True, markers: bool = True) -> None:
        """Lose queues, markers or both."""
        if queues:
            self._waiting.clear()
        if markers:
            self._markers.clear()

    def orphan(self, share: float, after: float) -> None:
        """Deliver some messages later: the process that held them unacknowledged is gone."""
        chance, now = self._kernel.random, self._kernel.seconds
        waiting, self._waiting = sorted(self._waiting, key=lambda each: each[:2]), []
        for at, _, message in waiting:
            self._put(message, max(at - now, after if chance.random() < share else 0.0))

    def reach(self) -> None:
        """Raise if the broker cannot be reached."""
        if self.away:
            raise BrokerUnavailable

    def _put(self, message: Message, countdown: float) -> None:
        self._count += 1
        at = self._kernel.seconds + countdown
        heapq.heappush(self._waiting, (at, self._count, message))
        self._kernel.at(countdown, self._offer)

    def _offer(self) -> None:
        now = self._kernel.seconds
        while self._waiting and self._waiting[0][0] <= now + 1e-6:
            _, _, message = heapq.heappop(self._waiting)
            if self.away or not self._deliver(message):
                self._put(message, 0.5)


class Publisher:
    """A process's connection to the broker."""

    def __init__(
        self, broker: Broker, effect: Callable[[str], None], fails: Callable[[], bool]
    ) -> None:
        self._broker = broker
        self._effect = effect
        self._fails = fails

    def publish(self, provider: Provider, wake: Wake, slot: datetime, countdown: float) -> None:
        """Publish one chunk message."""
        self._effect("publish")
        self._broker.publish(ChunkMessage(provider, wake, slot), countdown)
        self._effect("published")
        if self._fails():
            raise BrokerUnavailable

    def unread(self, provider: Provider) -> int:
        """Return how many chunk messages are due and not taken."""
        self._effect("unread")
        return self._broker.unread(provider)

    def marked(self, names: list[str]) -> set[str]:
        """Return the slot markers that are set."""
        self._effect("marked")
        return self._broker.marked(names)

    def mark(self, names: list[str], seconds: float) -> None:
        """Set slot markers for a while."""
        self._effect("mark")
        self._broker.mark(names, seconds)
