"""What the intake works with: Protocols of a process's parts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from config.queues import Wake
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.privacy.fingerprints import Fingerprinter
from worker.providers.protocol import Plugin
from worker.store.database import Database


class Relay(Protocol):
    """Publishes what is in the outbox."""

    def wake(self) -> None:
        """Have new events published soon. Returns at once."""


class Wakeups(Protocol):
    """Tells the pollers that a provider has work."""

    def at(self, provider: Provider, wake: Wake, dues: Iterable[datetime]) -> None:
        """Have a provider's operations worked on when they are due."""

    def soon(self, provider: Provider, now: datetime) -> None:
        """Have a provider's operations worked on within a moment."""


class Parts(Protocol):
    """The parts of one process that the intake uses."""

    @property
    def database(self) -> Database:
        """The database."""

    @property
    def sealer(self) -> Sealer:
        """Seals and opens personal data."""

    @property
    def fingerprinter(self) -> Fingerprinter:
        """Compares personal data without keeping them."""

    @property
    def plugins(self) -> Mapping[Provider, Plugin]:
        """The plugins of the providers that are on."""

    @property
    def wakeups(self) -> Wakeups:
        """Tells the pollers of new work."""

    @property
    def relay(self) -> Relay:
        """Publishes the events that the intake stores."""

    def plugin(self, provider: Provider) -> Plugin:
        """Return a provider's plugin; raise `ProviderOff` where it has no settings."""
