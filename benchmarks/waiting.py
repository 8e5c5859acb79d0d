"""Memory of processes and broker while operations wait for their next poll."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Final

from benchmarks import chain_side, meter, ours, rows
from benchmarks.meter import Memory
from benchmarks.ours import Ours
from benchmarks.stage import Stage
from config.providers import MonetaSettings
from tests.support.processes.child import wait_until

#: Seconds from now in which what waits comes due.
_FROM: Final = 5.0
_TO: Final = 300.0
_NEVER_ENDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """What is held with so many waiting. Megabytes."""

    waiting: int
    worker: Memory
    #: The larger one where there are several.
    poller: Memory
    broker: float


@dataclass(frozen=True, slots=True)
class Grown:
    """What the chain's processes and the broker hold on top of none waiting. Megabytes."""

    waiting: int
    processes: float
    broker: float


def of_ours(stage: Stage, levels: Sequence[int], settle: float, warm: int) -> list[Held]:
    """Measure our processes with so many operations waiting, on MONETA's own schedule.

    `warm` operations are polled to their end before, so that only what waits is measured.
    """
    schedule = MonetaSettings.model_fields["poll"].default
    stage.sweep()
    measured = []
    with ours.running(stage, policy=schedule) as side:
        _warm_up(stage, side, warm)
        there = 0
        for level in levels:
            now = stage.database.now()
            spread = random.Random(level)
            dues = [
                now + timedelta(seconds=spread.uniform(_FROM, _TO)) for _ in range(level - there)
            ]
            if dues:
                side.await_at(dues, first_id=1 + there)
            there = level
            measured.append(_held(stage, side, level, settle))
    return measured


def of_chain(stage: Stage, level: int, settle: float) -> Grown:
    """Measure the chain with so many countdowns waiting."""
    stage.sweep()
    stage.endpoint.set_back(1)
    with chain_side.running(stage, countdown=60) as side:
        _run_off(side, 200)
        before, broker = meter.memory(side.pids).uss, stage.broker_memory()
        spread = random.Random(level)
        side.await_after([spread.uniform(_TO / 2, _TO) for _ in range(level)])
        wait_until(lambda: side.held() >= level, 120, lambda: f"{side.held()} held", interval=0.5)
        time.sleep(settle)
        after = meter.memory(side.pids).uss
        return Grown(level, after - before, stage.broker_memory() - broker)


def _warm_up(stage: Stage, side: Ours, operations: int) -> None:
    """Have the processes do everything they do: what they load for it stays with them."""
    for polls in (_NEVER_ENDS, _NEVER_ENDS, 1):
        stage.endpoint.set_back(polls)
        side.prepare(operations)
        side.go()
        wait_until(lambda: stage.endpoint.seen()["polls"] >= operations, 60, "warm", interval=0.2)
        wait_until(side.idle, 60, "idle", interval=0.2)
    stage.endpoint.set_back(_NEVER_ENDS)
    rows.clear(stage.database)


def _run_off(side: chain_side.Chain, operations: int) -> None:
    side.prepare(operations)
    side.go()
    wait_until(lambda: side.left() == 0, 60, "warm", interval=0.2)


def _held(stage: Stage, side: Ours, level: int, settle: float) -> Held:
    """Take the middle of several looks: what a moment's work needs comes and goes."""
    worker, poller, broker = [], [], []
    ends = time.monotonic() + settle
    while time.monotonic() < ends:
        time.sleep(settle / 6)
        worker.append(meter.memory([side.worker.pid]))
        each = [meter.memory([process.pid]) for process in side.pollers]
        poller.append(max(each, key=lambda memory: memory.uss))
        broker.append(stage.broker_memory())
    return Held(level, _middle(worker), _middle(poller), median(broker))


def _middle(looks: Sequence[Memory]) -> Memory:
    return Memory(median(look.rss for look in looks), median(look.uss for look in looks))
