"""The names that messages travel under: providers, queues and tasks.

Nowhere else do these strings stand. The worker publishes by name and never imports a task.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Provider(StrEnum):
    """Who is asked. The value is also the name of the provider's intake queue."""

    MONETA = "moneta"


OPERATIONS_QUEUE: Final = "operations"
UPKEEP_QUEUE: Final = "upkeep"


def chunk_queue(provider: Provider) -> str:
    """Return the queue of a provider's chunk tasks: only pollers consume it."""
    return f"{provider}.chunks"


class Task(StrEnum):
    """Every task that this distribution registers."""

    MONETA_START = "tasks.moneta.start_identification"
    MONETA_POLL = "tasks.moneta.poll_async_requests"
    MONETA_SETTLE = "tasks.moneta.check_profiles"
    MONETA_CALLBACK = "tasks.moneta.receive_callback"
    RETRY = "tasks.operations.retry"
    RESUME = "tasks.operations.resume"
    RESOLVE = "tasks.operations.resolve"
    CANCEL = "tasks.operations.cancel"
    SWEEP = "tasks.upkeep.sweep"
    RELAY = "tasks.upkeep.relay"
    PURGE = "tasks.upkeep.purge"


class Wake(StrEnum):
    """Why a provider is woken. Both kinds claim whatever is due; Flower shows which it was."""

    POLL = "poll"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Doors:
    """The task names of one provider."""

    start: tuple[Task, ...]
    poll: Task
    settle: Task

    def chunk(self, wake: Wake) -> Task:
        """Return the chunk task that answers this kind of wake."""
        return self.settle if wake is Wake.SETTLE else self.poll


DOORS: Final[dict[Provider, Doors]] = {
    Provider.MONETA: Doors(
        start=(Task.MONETA_START,), poll=Task.MONETA_POLL, settle=Task.MONETA_SETTLE
    ),
}

TASK_MODULES: Final = ("tasks.moneta", "tasks.operations", "tasks.upkeep")

#: What the `worker` role consumes: intake, the on-call tasks and upkeep.
INTAKE_QUEUES: Final = (*(str(p) for p in Provider), OPERATIONS_QUEUE, UPKEEP_QUEUE)
#: What the `poller` role consumes: chunks.
CHUNK_QUEUES: Final = tuple(chunk_queue(p) for p in Provider)
