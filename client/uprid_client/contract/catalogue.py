"""Every task that others may send, with its contract: one module a provider, found by its name."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from uprid_client.contract import operations
from uprid_client.contract.tasks import TaskContract
from uprid_client.names import Provider, Task


@cache
def tasks_of(provider: Provider) -> Mapping[Task, TaskContract]:
    """Return what may be sent to a provider's queue."""
    found: Mapping[Task, TaskContract] = import_module(f"{__package__}.{provider}").TASKS
    return found


def contract_of(task: Task) -> TaskContract:
    """Return a task's contract; raise `KeyError` for one that only the workers send."""
    for tasks in (operations.TASKS, *map(tasks_of, Provider)):
        if task in tasks:
            return tasks[task]
    raise KeyError(task)
