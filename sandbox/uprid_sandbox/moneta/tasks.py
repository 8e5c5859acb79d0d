"""The provider's asynchronous tasks and the units that they move."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from uprid_sandbox.clock import Clock, utc_now
from uprid_sandbox.moneta.acts import Ending, Scenario
from uprid_sandbox.moneta.scenarios import scenario_of
from uprid_sandbox.moneta.units import Unit

_FIRST_ID: Final = 40_001


@dataclass(slots=True)
class Task:
    """One identification in progress, or ended."""

    id: int
    unit: Unit
    scenario: Scenario
    ending: Ending
    created_at: datetime
    ends_at: datetime
    expires_at: datetime
    polls: int = 0
    #: The unit has been moved.
    closed: bool = False


class TaskBook:
    """All tasks and units. Grows until it is cleared: a sandbox does not live for long."""

    def __init__(self, delay: float, timeout: float, clock: Clock = utc_now) -> None:
        self._delay = delay
        self._timeout = timedelta(seconds=timeout)
        self._clock = clock
        # Ids go on after a reset, so that an old one never names a new task.
        self._ids = count(_FIRST_ID)
        self._tasks: dict[int, Task] = {}
        self._units: dict[int, Unit] = {}
        self._open: dict[int, list[Task]] = {}

    def now(self) -> datetime:
        """Return the book's time."""
        return self._clock()

    def unit(self, unit_id: int) -> Unit:
        """Return a unit where it stands now. There is every unit that is asked for."""
        unit = self._units.setdefault(unit_id, Unit(unit_id))
        for task in self._open.get(unit_id, []):
            self._close_if_ended(task)
        return unit

    def task(self, async_id: int) -> Task | None:
        """Return a task, None where there is none of this id."""
        task = self._tasks.get(async_id)
        if task is not None:
            self._close_if_ended(task)
        return task

    def start(self, unit: Unit, ending: Ending | None = None) -> Task:
        """Begin the unit's next identification; without `ending` its scenario decides the end."""
        scenario = scenario_of(unit.id)
        ending = ending or scenario.endings[min(unit.taken, len(scenario.endings) - 1)]
        unit.taken += 1
        now = self._clock()
        task = Task(
            id=next(self._ids),
            unit=unit,
            scenario=scenario,
            ending=ending,
            created_at=now,
            ends_at=now + timedelta(seconds=self._delay * ending.after),
            expires_at=now + self._timeout,
        )
        self._tasks[task.id] = task
        self._open.setdefault(unit.id, []).append(task)
        self._close_if_ended(task)
        return task

    def clear(self) -> None:
        """Forget every task and unit."""
        for held in (self._tasks, self._units, self._open):
            held.clear()

    def _close_if_ended(self, task: Task) -> None:
        if task.closed or self._clock() < task.ends_at:
            return
        task.closed = True
        # A copy: the list may be walked at this moment.
        self._open[task.unit.id] = [each for each in self._open[task.unit.id] if each is not task]
        if task.ending.group is not None:
            task.unit.group = task.ending.group
        task.unit.approved = task.unit.approved or task.unit.identified
