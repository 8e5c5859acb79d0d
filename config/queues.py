"""The names that messages travel under: providers, queues and tasks.

Nowhere else do these strings stand. The worker publishes by name and never imports a task.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Provider(StrEnum):
    """Who is asked. The value is also the name of the provider's intake queue."""

    MONETA = "moneta"
    NPD = "npd"
    MANDARIN = "mandarin"
    INTELLECTMONEY = "intellectmoney"


OPERATIONS_QUEUE: Final = "operations"
UPKEEP_QUEUE: Final = "upkeep"


def chunk_queue(provider: Provider) -> str:
    """Return the queue of a provider's chunk tasks: only pollers consume it."""
    return f"{provider}.chunks"


def plugin_module(provider: Provider) -> str:
    """Return the module that has the provider's plugin."""
    return f"worker.providers.{provider}.plugin"


class Task(StrEnum):
    """Every task that this distribution registers."""

    MONETA_START = "tasks.moneta.start_identification"
    MONETA_POLL = "tasks.moneta.poll_async_requests"
    MONETA_SETTLE = "tasks.moneta.check_profiles"
    MONETA_CALLBACK = "tasks.moneta.receive_callback"
    NPD_START = "tasks.npd.start_identification"
    NPD_ADVANCE = "tasks.npd.advance"
    NPD_NOTIFICATION = "tasks.npd.receive_notification"
    MANDARIN_START = "tasks.mandarin.start_identification"
    MANDARIN_POLL = "tasks.mandarin.poll_statuses"
    MANDARIN_CODE = "tasks.mandarin.submit_sms_code"
    INTELLECTMONEY_INVOICES = "tasks.intellectmoney.fetch_invoices"
    INTELLECTMONEY_LIST = "tasks.intellectmoney.fetch_scheduled_operations"
    INTELLECTMONEY_SAVE = "tasks.intellectmoney.save_scheduled_operation"
    INTELLECTMONEY_POLL = "tasks.intellectmoney.poll_queued_operations"
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
    poll: str
    settle: str

    def chunk(self, wake: Wake) -> str:
        """Return the chunk task that answers this kind of wake."""
        return self.settle if wake is Wake.SETTLE else self.poll


#: Those whose chunk tasks have names of their own.
_NAMED: Final[dict[Provider, Doors]] = {
    Provider.MONETA: Doors((Task.MONETA_START,), Task.MONETA_POLL, Task.MONETA_SETTLE),
    Provider.NPD: Doors((Task.NPD_START,), Task.NPD_ADVANCE, Task.NPD_ADVANCE),
    Provider.MANDARIN: Doors((Task.MANDARIN_START,), Task.MANDARIN_POLL, Task.MANDARIN_POLL),
    Provider.INTELLECTMONEY: Doors(
        (Task.INTELLECTMONEY_INVOICES, Task.INTELLECTMONEY_LIST, Task.INTELLECTMONEY_SAVE),
        Task.INTELLECTMONEY_POLL,
        Task.INTELLECTMONEY_POLL,
    ),
}


def _tasks_of(provider: Provider) -> Doors:
    """Return a provider's tasks: `tasks.<provider>.poll` is its chunk task, unless it is named."""
    usual = f"tasks.{provider}.poll"
    return _NAMED.get(provider) or Doors((), usual, usual)


DOORS: Final = {provider: _tasks_of(provider) for provider in Provider}

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

#: Bytes. A message that is larger is not read at all.
LARGEST_MESSAGE: Final = 2**20
