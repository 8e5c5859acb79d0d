"""Which providers there are: settings → plugins. The one place that a fifth provider is named."""

from collections.abc import Mapping

from config.queues import Provider
from config.settings import Settings
from worker.providers.base import Plugin
from worker.providers.moneta.plugin import MonetaPlugin


def plugins_of(settings: Settings) -> Mapping[Provider, Plugin]:
    """Return a plugin for every provider that is on."""
    plugins: dict[Provider, Plugin] = {}
    if settings.moneta is not None:
        plugins[Provider.MONETA] = MonetaPlugin(settings.moneta)
    return plugins
