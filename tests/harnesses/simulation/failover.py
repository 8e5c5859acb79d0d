"""A fail-over to a replica that lagged: confirmed commits are lost, and an engineer recovers.

A commit is safe on the server that confirmed it. A replica that no commit waits for may lack the
last ones. Then the on-call engineer follows the runbook: stops all processes, types `uprid recover`
with the time of the last commit that is left, and starts them again.
"""

import sqlite3
from typing import TYPE_CHECKING

from tests.harnesses.simulation import refusals
from tests.harnesses.simulation.database import SimulatedDatabase, store
from tests.harnesses.simulation.kernel import BEGIN
from uprid_client.errors import DatabaseUnavailable
from worker.store import fail_over
from worker.store.fail_over import Recovery

if TYPE_CHECKING:
    from tests.harnesses.simulation.world import World


class FailOver:
    """One fail-over, at the time that the plan names."""

    def __init__(self, world: "World", at: float, lag: float, database: SimulatedDatabase) -> None:
        self._world = world
        self._kernel = world.kernel
        self._database = database
        self._left: sqlite3.Connection | None = None
        self._since = BEGIN
        self._kernel.at(at - lag, self._fall_behind)
        self._kernel.at(at, self._fail)

    def _fall_behind(self) -> None:
        """Copy what the replica has: it receives nothing more."""
        self._since = self._kernel.now
        self._left = store().copy()

    def _fail(self) -> None:
        world, kernel = self._world, self._kernel
        assert self._left is not None
        kernel.happened("commits lost by a fail-over")
        kernel.say("database fails over, to what was there at", self._since)
        world.sickness.end_all(refusals.CRASH)
        world.stop_all()
        world.sickness.away_until = float("inf")
        store().put_back(self._left)
        self._left.close()
        self._left = None
        world.forget_since(self._since)
        kernel.spawn("people", kernel.world, self._recover, after=kernel.random.uniform(1, 10))

    def _recover(self) -> None:
        kernel, world = self._kernel, self._world
        world.sickness.away_until = 0.0
        recovery = Recovery(self._since, "anna", "fail-over")
        while True:
            try:
                found = fail_over.recover(self._database, recovery)
            except DatabaseUnavailable:
                kernel.sleep(1.0)
                continue
            if found:
                kernel.happened("operation put in doubt by `uprid recover`")
            world.start_all()
            return
