"""Which queues and tasks the roles of the Procfile have. The worker publishes by name alone."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from uprid_client.names import (
    OPERATIONS_QUEUE,
    Provider,
    Task,
)

UPKEEP_QUEUE: Final = "upkeep"


def chunk_queue(provider: Provider) -> str:
    """Return the queue of a provider's chunk tasks: only pollers consume it."""
    return f"{provider}.chunks"


def plugin_module(provider: Provider) -> str:
    """Return the module that has the provider's plugin."""
    return f"worker.providers.{provider}.plugin"


class Wake(StrEnum):
    """Why a provider is woken. Both kinds claim all that is due; Flower shows which it was."""

    POLL = "poll"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class ProviderTasks:
    """The task names of one provider."""

    start: tuple[Task, ...]
    poll: str
    settle: str

    def chunk(self, wake: Wake) -> str:
        """Return the chunk task that answers this kind of wake."""
        return self.settle if wake is Wake.SETTLE else self.poll


#: Those whose chunk tasks have names of their own.
_NAMED: Final[dict[Provider, ProviderTasks]] = {
    Provider.MONETA: ProviderTasks((Task.MONETA_START,), Task.MONETA_POLL, Task.MONETA_SETTLE),
    Provider.NPD: ProviderTasks((Task.NPD_START,), Task.NPD_ADVANCE, Task.NPD_ADVANCE),
    Provider.MANDARIN: ProviderTasks(
        (Task.MANDARIN_START,), Task.MANDARIN_POLL, Task.MANDARIN_POLL
    ),
    Provider.INTELLECTMONEY: ProviderTasks(
        (Task.INTELLECTMONEY_INVOICES, Task.INTELLECTMONEY_LIST, Task.INTELLECTMONEY_SAVE),
        Task.INTELLECTMONEY_POLL,
        Task.INTELLECTMONEY_POLL,
    ),
}


def _tasks_of(provider: Provider) -> ProviderTasks:
    """Return a provider's tasks: `tasks.<provider>.poll` is its chunk task, unless it is named."""
    usual = f"tasks.{provider}.poll"
    return _NAMED.get(provider) or ProviderTasks((), usual, usual)


PROVIDER_TASKS: Final = {provider: _tasks_of(provider) for provider in Provider}

TASK_MODULES: Final = (
    *(f"tasks.{provider}" for provider in Provider),
    "tasks.operations",
    "tasks.upkeep",
)

PLUGIN_MODULES: Final = tuple(plugin_module(provider) for provider in Provider)

#: What the `worker` role consumes: intake, the on-call tasks and upkeep.
INTAKE_QUEUES: Final = (*(str(p) for p in Provider), OPERATIONS_QUEUE, UPKEEP_QUEUE)
#: What the `poller` role consumes: chunks.
CHUNK_QUEUES: Final = tuple(chunk_queue(p) for p in Provider)
#: Where task messages lie.
TASK_QUEUES: Final = frozenset(INTAKE_QUEUES + CHUNK_QUEUES)
#: Queues that others send to. What is lost of the rest, chunks and upkeep, the sweep makes up for.
SENDERS_QUEUES: Final = frozenset(INTAKE_QUEUES) - {UPKEEP_QUEUE}
