"""A contestant: processes that poll operations at the shared endpoint until all have ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class Side(Protocol):
    """One way to poll many operations. Each brings the processes that it runs in."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def pids(self) -> Sequence[int]:
        """Its processes, without the shared servers."""

    def prepare(self, operations: int) -> None:
        """Have that many operations ready to go, asyncIds from 1, and forget those before."""

    def go(self) -> None:
        """Make all of them due at this moment."""

    def left(self) -> int:
        """Return how many have not ended, or have unpublished events."""

    def due(self) -> dict[int, tuple[int, datetime]]:
        """Return, by asyncId, how often it was polled and when it is due next."""
