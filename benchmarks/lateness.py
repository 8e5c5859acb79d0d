"""Lateness: from when a poll was due to when the endpoint saw it, at a steady, moderate load."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from benchmarks import chain_side, ours
from benchmarks.side import Side
from benchmarks.stage import Stage
from config.polling import PollPolicy

_LOOK_EVERY: Final = 0.5
#: Seconds beyond the load after which nothing is expected any more.
_PATIENCE: Final = 60.0
_NEVER_ENDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """Operations that are polled again and again. Seconds."""

    operations: int
    #: Between two polls of one operation.
    period: float
    #: How long it is watched.
    seconds: float

    @property
    def pace(self) -> float:
        """Polls a second."""
        return self.operations / self.period


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds."""

    polls: int
    p50: float
    p99: float


def of_ours(stage: Stage, load: Load) -> Lateness:
    """Measure this worker with its default slot."""
    stage.sweep()
    stage.endpoint.set_back(_NEVER_ENDS, keep=True)
    policy = PollPolicy(first_after=load.period, then=load.period, jitter=0.1)
    with ours.running(stage, policy=policy) as side:
        now = stage.database.now()
        side.await_at([now + timedelta(seconds=wait) for wait in _spread(load)])
        return _watched(stage, side, load)


def of_chain(stage: Stage, load: Load) -> Lateness:
    """Measure the chain under the same load."""
    stage.sweep()
    stage.endpoint.set_back(_NEVER_ENDS, keep=True)
    with chain_side.running(stage, countdown=load.period) as side:
        side.await_after(_spread(load))
        return _watched(stage, side, load)


def _spread(load: Load) -> list[float]:
    return [1 + load.period * place / load.operations for place in range(load.operations)]


def _watched(stage: Stage, side: Side, load: Load) -> Lateness:
    """Note now and then what is due when, and hold it against when the endpoint was asked."""
    due: dict[tuple[int, int], datetime] = {}
    ends = time.monotonic() + 1 + load.period + load.seconds
    gives_up = ends + _PATIENCE
    while True:
        due |= {(one, polls): at for one, (polls, at) in side.due().items()}
        time.sleep(_LOOK_EVERY)
        if time.monotonic() < ends:
            continue
        # On a busy machine a short load may be over before a contestant has got going.
        if late := _late(due, stage.endpoint.seen()["arrivals"]):
            return Lateness(len(late), late[len(late) // 2], late[len(late) * 99 // 100])
        if time.monotonic() > gives_up:
            message = "no poll was seen that had been due"
            raise RuntimeError(message)


def _late(
    due: Mapping[tuple[int, int], datetime], seen: Mapping[str, Sequence[float]]
) -> list[float]:
    arrivals = {int(one): times for one, times in seen.items()}
    return sorted(
        arrivals[one][polls] - at.timestamp()
        for (one, polls), at in due.items()
        # The first was put there by us: only what the contestant scheduled itself counts.
        if 0 < polls < len(arrivals.get(one, ()))
    )
