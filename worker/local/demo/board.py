"""Showing operations while they live: a table on a terminal, plain lines elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from worker.local.demo.record import ReceivedEvent
from worker.local.demo.side import Side

#: Characters of the longest reference.
WIDTH: Final = 19


@dataclass(frozen=True, slots=True)
class ShownState:
    """What is shown of an operation, as the database has it."""

    state: str
    attempt: int
    polls: int


#: By side and reference.
ShownStates = Mapping[Side, Mapping[str, ShownState]]


class Board(Protocol):
    """Where a run can be watched. A context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def receive(self, side: Side, event: ReceivedEvent) -> None:
        """Show an event that has come."""

    def show(self, states: ShownStates) -> None:
        """Show the operations' states."""
