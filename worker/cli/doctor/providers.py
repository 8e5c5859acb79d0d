"""Checks the providers: whether they can be reached, their settings and clocks."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

from config.settings import Settings
from uprid_client.sealing import Sealer
from worker.cli.doctor.at_once import Look
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.protocol import Finding as ProviderFinding
from worker.providers.protocol import Plugin
from worker.providers.registry import plugins_of
from worker.providers.resources import Resources
from worker.store.database import Database


def looks_at_providers(settings: Settings) -> list[Look]:
    """Return a check of every provider that is on: a free call without an effect."""
    # No token is fetched here, so that the shelf's database is not even connected to.
    database = Database(settings.database_url, connections=1)
    sealer = Sealer.of(settings)
    plugins = plugins_of(Resources(settings, partial(StoredAccessTokens, database, sealer)))
    if not plugins:
        return [Look("providers", "", _none_is_on)]
    return [
        Look(f"{provider} host", f"look at UPRID_{provider.upper()}__URL and the network", looking)
        for provider, looking in ((name, _looking(plugin)) for name, plugin in plugins.items())
    ]


def _none_is_on() -> Iterator[Finding]:
    detail = "none is on: set UPRID_MONETA__URL and its companions, or every start is refused"
    yield warning("providers", detail)


def _looking(plugin: Plugin) -> Callable[[], Iterator[Finding]]:
    def look() -> Iterator[Finding]:
        with closing(plugin):
            for found in plugin.check():
                yield _level(found)(found.what, found.detail)

    return look


def _level(found: ProviderFinding) -> Callable[[str, str], Finding]:
    if not found.ok:
        return fault
    return warning if found.is_warning else ok
