"""The simulation's database without the rest of the simulation, for its own tests."""

from collections.abc import Callable

from tests.harnesses.simulation.database import SimulatedDatabase, store
from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.sickness import Sickness


class Steady:
    """A process without failures."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        #: The number of statements that succeed before one fails. None: none fails.
        self.fails_after: int | None = None
        #: A part of the spot at which the process stands still after a statement.
        self.slow = "none"
        self._places = 0

    def effect(self, spot: str) -> None:
        del spot

    def between(self, spot: str) -> bool:
        self._places += self.slow in spot
        if self.slow in spot and self._places == 2:
            self._kernel.sleep(20.0)
        return False

    def monotonic(self) -> float:
        return self._kernel.seconds

    def mishap(self) -> bool:
        return False

    def fails(self) -> bool:
        if self.fails_after is None:
            return False
        self.fails_after -= 1
        return self.fails_after == -1


class Simulated:
    """A simulated database, and a way to run tasks on it."""

    def __init__(self) -> None:
        store().empty()
        self.kernel = Kernel(1)
        self.sickness = Sickness(self.kernel, store().transactions)
        self.owner = Steady(self.kernel)
        self.database = SimulatedDatabase(
            self.kernel, self.owner, lambda *_: None, self.sickness
        )  # fmt: skip

    def run(self, *tasks: tuple[float, Callable[[], object]]) -> None:
        errors: list[BaseException] = []

        def guarded(work: Callable[[], object]) -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - raised below, outside of the task
                errors.append(error)

        for after, work in tasks:
            self.kernel.spawn("task", self.kernel.world, lambda work=work: guarded(work), after)  # type: ignore[misc]
        self.kernel.run(self.kernel.seconds + 100, lambda: False)
        if errors:
            raise errors[0]

    def pause(self, seconds: float) -> None:
        """Wait within a transaction."""
        task = self.kernel.current
        task.within, within = None, task.within
        self.kernel.sleep(seconds)
        task.within = within
