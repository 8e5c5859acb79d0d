"""What the stand-ins have in common: options, time, and MONETA's units.

The API for the self-employed is MONETA's other API: its tasks move MONETA's units.
"""

from dataclasses import dataclass

from uprid_sandbox.clock import Clock
from uprid_sandbox.moneta.tasks import TaskBook
from uprid_sandbox.options import SandboxOptions


@dataclass(frozen=True, slots=True)
class World:
    """What every stand-in is built on."""

    options: SandboxOptions
    clock: Clock
    #: MONETA's tasks and units.
    book: TaskBook


def new_world(options: SandboxOptions, clock: Clock) -> World:
    """Return a world in which nothing has happened."""
    return World(options, clock, TaskBook(options.delay, options.task_timeout, clock))
