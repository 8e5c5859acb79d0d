"""The race: operations through polls that are always due, round after round in turn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import loop, meter
from benchmarks.side import Side
from benchmarks.stage import Stage
from tests.support.processes.child import wait_until

_PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Lap:
    """One round of one contestant. CPU in seconds."""

    polls: int
    seconds: float
    client: float
    database: float = 0.0
    broker: float = 0.0
    endpoint: float = 0.0

    @property
    def pace(self) -> float:
        """Polls a second, from the first to the last that the endpoint saw."""
        return self.polls / self.seconds


def of_side(stage: Stage, side: Side, operations: int, polls: int) -> Lap:
    """Drive one contestant once."""
    stage.endpoint.set_back(polls)
    side.prepare(operations)
    shared, own = stage.cpu(), meter.cpu(side.pids)
    side.go()
    wait_until(
        lambda: side.left() == 0, _PATIENCE, lambda: f"{side.left()} operations", interval=0.2
    )
    own = meter.cpu(side.pids) - own
    spent = {name: after - shared[name] for name, after in stage.cpu().items()}
    seen = stage.endpoint.seen()
    if seen["polls"] < operations * polls:
        message = f"{side.name}: {seen['polls']} of {operations * polls} polls"
        raise RuntimeError(message)
    return Lap(seen["polls"], seen["last"] - seen["first"], own, **spent)


def of_loop(stage: Stage, sessions: str, operations: int, polls: int) -> Lap:
    """Run the bare loop once."""
    stage.endpoint.set_back(polls)
    before = stage.cpu()["endpoint"]
    arguments = ["benchmarks.loop", stage.endpoint.url, str(operations), str(polls), sessions]
    name = f"loop-{sessions}"
    with stage.process(name, arguments, {}) as process:
        if process.wait(_PATIENCE):
            raise RuntimeError(process.tail())
        report = json.loads(process.output().splitlines()[-1])
    seen = stage.endpoint.seen()
    endpoint = stage.cpu()["endpoint"] - before
    return Lap(seen["polls"], seen["last"] - seen["first"], report["cpu"], endpoint=endpoint)


def best(laps: Sequence[Lap]) -> Lap:
    """Return the fastest round: what else the machine did slowed the others."""
    return max(laps, key=lambda lap: lap.pace)


LOOP: Final = f"bare loop (requests, {loop.THREADS} threads)"
