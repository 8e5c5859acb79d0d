"""Operations that IntellectMoney does later: code 1."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID, uuid5

from uprid_sandbox.clock import Clock
from uprid_sandbox.intellectmoney.acts import Codes, Queued
from uprid_sandbox.intellectmoney.tree import Content

_IDS: Final = UUID("50a55d0c-a754-47ca-b355-56362cf52a98")


@dataclass(frozen=True, slots=True)
class Matter:
    """What is asked for, whenever it is answered."""

    #: Two requests of one key wait for the same.
    key: Hashable
    #: Returns what `Result` holds beside its State, given whether there is any of it.
    content: Callable[[bool], Content] = field(repr=False)
    #: Is called when the whole of it has been answered.
    answered: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One matter in the queue."""

    matter: Matter
    then: Codes
    #: None: never.
    ready_at: datetime | None


class Queue:
    """Everything that was ever queued, by its key and by every `OperationId` that was given out."""

    def __init__(self, delay: float, clock: Clock) -> None:
        self._delay = delay
        self._clock = clock
        # Ids go on after a reset, so that an old one never names a new operation.
        self._numbers = count(1)
        self._waiting: dict[Hashable, Waiting] = {}
        self._by_id: dict[str, Waiting] = {}

    def next_id(self) -> str:
        """Return the next `OperationId`."""
        return str(uuid5(_IDS, str(next(self._numbers))))

    def wait(self, matter: Matter, queued: Queued, operation_id: str) -> Waiting:
        """Return where a matter stands; the first time it joins the queue."""
        waiting = self._waiting.get(matter.key)
        if waiting is None:
            after = queued.after
            pause = None if after is None else timedelta(seconds=self._delay * after)
            ready_at = None if pause is None else self._clock() + pause
            waiting = self._waiting[matter.key] = Waiting(matter, queued.then, ready_at)
        if queued.numbered:
            self._by_id[operation_id] = waiting
        return waiting

    def find(self, operation_id: str) -> Waiting | None:
        """Return what an `OperationId` names."""
        return self._by_id.get(operation_id.lower())

    def is_ready(self, waiting: Waiting) -> bool:
        """Return whether its time has come."""
        return waiting.ready_at is not None and self._clock() >= waiting.ready_at

    def clear(self) -> None:
        """Forget all of it."""
        self._waiting.clear()
        self._by_id.clear()
