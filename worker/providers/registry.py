"""Which providers there are: settings → plugins. The one place that a fifth provider is named."""

from collections.abc import Mapping

from config.providers import MonetaSettings, ProviderSettings
from config.queues import Provider
from config.settings import Settings
from worker.providers.base import Plugin
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin
from worker.providers.intellectmoney.saving import Siblings
from worker.providers.intellectmoney.tokens import TokenShelf
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.moneta.queries import Queries
from worker.providers.network import believing
from worker.providers.npd.background_queries import BackgroundQueries
from worker.providers.npd.moneta_queries import MonetaQueries
from worker.providers.npd.plugin import NpdPlugin


def plugins_of(
    settings: Settings, shelf: TokenShelf, siblings: Siblings | None = None
) -> Mapping[Provider, Plugin]:
    """Return a plugin for every provider that is on; `shelf` holds the token that one shares.

    `siblings` knows what was sent beside an operation; who makes no calls has no need of it.
    """
    plugins: dict[Provider, Plugin] = {}
    everywhere = settings.ca_bundle
    moneta = settings.moneta and believing(settings.moneta, everywhere)
    if moneta is not None:
        plugins[Provider.MONETA] = MonetaPlugin(moneta)
    if settings.npd is not None:
        npd = believing(settings.npd, everywhere)
        plugins[Provider.NPD] = NpdPlugin(npd, _queries(moneta, npd))
    if settings.mandarin is not None:
        plugins[Provider.MANDARIN] = MandarinPlugin(believing(settings.mandarin, everywhere))
    if settings.intellectmoney is not None:
        plugins[Provider.INTELLECTMONEY] = IntellectMoneyPlugin(
            believing(settings.intellectmoney, everywhere), shelf, siblings
        )
    return plugins


def _queries(moneta: MonetaSettings | None, asker: ProviderSettings) -> MonetaQueries | None:
    """Return another provider's own questions to MONETA, which may take as long as that one may.

    It is reached as MONETA's settings say.
    """
    if moneta is None:
        return None
    bounds = ("connect_timeout", "read_timeout", "total_timeout", "threads")
    queries = Queries(moneta.model_copy(update={name: getattr(asker, name) for name in bounds}))
    return BackgroundQueries(queries, asker.threads)
