"""A poller over a database of each kind, and the provider that it works on."""

from collections.abc import Iterator

import pytest

from tests.support.engine.process import Process, process
from tests.support.providers.scripted import ScriptedPlugin


@pytest.fixture
def plugin() -> ScriptedPlugin:
    return ScriptedPlugin()


@pytest.fixture
def poller(migrated_url: str, plugin: ScriptedPlugin) -> Iterator[Process]:
    with process(migrated_url, plugin) as made:
        yield made
