"""The providers: whether they can be reached, their settings and clocks."""

from collections.abc import Iterator

from config.settings import Settings
from worker.oncall.checks.finding import Finding, fault, ok, warning
from worker.operations.database import Database
from worker.privacy.sealing import Sealer
from worker.providers.registry import plugins_of
from worker.tokens import StoredTokens


def check_providers(settings: Settings) -> Iterator[Finding]:
    """Ask every provider that is on, by a call that costs nothing and has no effect."""
    # No token is fetched here, so that the shelf's database is not even connected to.
    database = Database(settings.database_url, connections=1)
    sealer = Sealer(key.get_secret_value() for key in settings.seal_keys)
    plugins = plugins_of(settings, StoredTokens(database, sealer))
    if not plugins:
        said = "none is on: set UPRID_MONETA__URL and its companions, or every start is refused"
        yield warning("providers", said)
    for plugin in plugins.values():
        for found in plugin.check():
            made = ok if found.ok else fault
            yield made(found.what, found.detail)
