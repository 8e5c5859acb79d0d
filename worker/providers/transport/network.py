"""The network between us and a provider: who is believed, who we are, and what is in between."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from config.providers import ProviderSettings
from config.proxy import Proxy

_Settings = TypeVar("_Settings", bound=ProviderSettings)


@dataclass(frozen=True, slots=True)
class Network:
    """How a provider is reached. What the environment says of proxies never matters."""

    #: Files of authorities that are believed beside certifi's.
    authorities: tuple[Path, ...] = ()
    #: The file of our certificate, where the provider wants one.
    client_cert: Path | None = None
    #: None: the key is in the certificate's file.
    client_key: Path | None = None
    proxy: Proxy | None = None

    @classmethod
    def of(cls, settings: ProviderSettings) -> Self:
        """Return the network that a provider's settings describe."""
        url = settings.proxy
        proxy = None if url is None else Proxy.of(url.get_secret_value())
        return cls(settings.ca_bundle, settings.client_cert, settings.client_key, proxy)


def believing(settings: _Settings, authorities: Iterable[Path]) -> _Settings:
    """Return settings of a provider that believe these authorities, too."""
    return settings.model_copy(update={"ca_bundle": (*settings.ca_bundle, *authorities)})
