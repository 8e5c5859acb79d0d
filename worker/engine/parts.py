"""Protocols of the parts that a process gives to the engine."""

from typing import Any, Protocol

from worker.engine.halt import HaltCheck


class Relay(Protocol):
    """Publishes the outbox to the stream."""

    def wake(self) -> None:
        """Say that events wait in the outbox. Returns at once."""


class Incarnation(HaltCheck, Protocol):
    """The process that leases belong to."""

    @property
    def id(self) -> str:
        """The incarnation's id."""

    def hold(self, lease_id: str, seconds: float) -> None:
        """Begin to work under a token; to be given up after so many seconds without progress."""

    def renew(self, lease_id: str) -> None:
        """Say that there is progress under a token."""

    def release(self, lease_id: str, *, suspected: bool) -> None:
        """Work no more under a token: free its leases as soon as the database can be reached.

        `suspected`: one of its operations may be to blame, so their claims go on counting.
        """

    def pause(self, seconds: float) -> None:
        """Wait a moment, shorter where the process is stopping."""


class Sealing(Protocol):
    """Sealing and opening of what is personal."""

    def seal_bytes(self, content: bytes) -> str:
        """Return a token."""

    def open(self, lease_id: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the JSON value that was sealed; raise `Unsealable`."""
