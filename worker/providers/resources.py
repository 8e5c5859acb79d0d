"""What a provider's plugin may use of its process, beside its own settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from config.providers import ProviderSettings
from config.settings import Settings
from uprid_client.names import Provider
from worker.providers.access_tokens import AccessTokenShelf
from worker.providers.transport.network import believing

SettingsT = TypeVar("SettingsT", bound=ProviderSettings)


class Siblings(Protocol):
    """What the workers have sent beside an operation. May raise `DatabaseUnavailable`."""

    def of(self, operation_id: str) -> Sequence[Mapping[str, Any]]:
        """Return the `args` of the others of its kind that may have been sent since it began."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the plugins of one process share."""

    settings: Settings
    #: Returns where the workers keep a provider's access token.
    shelf_of: Callable[[Provider], AccessTokenShelf]
    #: None in a process that makes no calls.
    siblings: Siblings | None = None

    def believing(self, settings: SettingsT) -> SettingsT:
        """Return a provider's settings that believe every provider's authorities, too."""
        return believing(settings, self.settings.ca_bundle)
