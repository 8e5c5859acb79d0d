"""Halts: why a chunk stops before all of it is done."""

from enum import StrEnum
from typing import Protocol


class Halt(StrEnum):
    """Why a chunk stops early; the operations that are left are given back."""

    STOPPING = "stopping"
    LEASE_DOUBTED = "lease_doubted"
    MISCONFIGURED = "misconfigured"
    PROVIDER_SICK = "provider_sick"
    PROVIDER_RESTS = "told_to_rest"
    DATABASE_AWAY = "database_away"
    ANOTHER_ALONE = "another_alone"
    STUMBLED = "stumbled"


class HaltCheck(Protocol):
    """Whether this process may go on working."""

    def halted(self, taken_at: float, lease_id: str | None = None) -> Halt | None:
        """Return why a chunk must stop that was taken at this time under a lease id, or None.

        By this host's monotonic clock. Called before every request: must be cheap.
        """
