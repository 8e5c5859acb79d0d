"""The plugins of the providers that are on.

A provider is a folder of this package, under its name in the enum `Provider`. Its module `plugin`
has a function `open_plugin`, which takes the provider's settings and the process's `Resources`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from config.queues import plugin_module
from uprid_client.names import Provider
from worker.providers.protocol import Plugin
from worker.providers.resources import Resources


def plugins_of(resources: Resources) -> Mapping[Provider, Plugin]:
    """Return a plugin for every provider that is on. Call it after a fork; close the plugins."""
    return {
        provider: _opener(provider)(resources.believing(settings), resources)
        for provider, settings in resources.settings.providers().items()
    }


def _opener(provider: Provider) -> Callable[[Any, Resources], Plugin]:
    """Return what opens a provider's plugin: only the providers that are on are imported."""
    opener: Callable[[Any, Resources], Plugin] = import_module(plugin_module(provider)).open_plugin
    return opener
