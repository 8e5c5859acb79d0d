"""The plugins: one for each provider that is on, found by the enum, closed with the process."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet

from config.settings import load
from tests.support.servers.fresh import SqliteFiles
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.base import ProviderPlugin
from worker.providers.protocol import Plugin
from worker.providers.registry import plugins_of
from worker.providers.resources import Resources
from worker.store.database import Database

_HOST: Final = "http://127.0.0.1:9/base"
_BLOCKS: Final[Mapping[str, str]] = {
    "UPRID_MONETA__URL": _HOST,
    "UPRID_MONETA__USERNAME": "shop",
    "UPRID_MONETA__PASSWORD": "secret",
    "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
    "UPRID_MONETA__FULL_GROUP_ID": "2",
    "UPRID_NPD__URL": _HOST,
    "UPRID_NPD__SECURITY_KEY": "key",
    "UPRID_NPD__SECRET_KEY": "secret",
    "UPRID_MANDARIN__URL": _HOST,
    "UPRID_MANDARIN__MERCHANT_ID": "merchant",
    "UPRID_MANDARIN__SECRET": "secret",
    "UPRID_INTELLECTMONEY__URL": _HOST,
    "UPRID_INTELLECTMONEY__LOGIN": "shop",
    "UPRID_INTELLECTMONEY__PASSWORD": "secret",
}


@pytest.fixture
def database(sqlite: SqliteFiles) -> Iterator[Database]:
    url = sqlite.create_database()
    made = Database(url, connections=1)
    yield made
    made.dispose()
    sqlite.drop_database(url)


def opened(database: Database, environment: Mapping[str, str]) -> Mapping[Provider, Plugin]:
    sealer = Sealer([Fernet.generate_key().decode()])
    settings = load(environment={"DATABASE_URL": os.environ.get("DATABASE_URL", ""), **environment})
    return plugins_of(Resources(settings, partial(StoredAccessTokens, database, sealer)))


def test_every_provider_that_is_on_has_a_plugin_of_the_one_base(database: Database) -> None:
    plugins = opened(database, _BLOCKS)

    with ExitStack() as stack:
        for plugin in plugins.values():
            stack.callback(plugin.close)
        assert set(plugins) == set(Provider)
        assert all(plugin.name is provider for provider, plugin in plugins.items())
        assert all(isinstance(plugin, ProviderPlugin) for plugin in plugins.values())


def test_provider_without_a_block_is_off(database: Database) -> None:
    mandarin = {name: value for name, value in _BLOCKS.items() if "MANDARIN" in name}

    plugins = opened(database, mandarin)

    assert set(plugins) == {Provider.MANDARIN}
    plugins[Provider.MANDARIN].close()


def test_npd_asks_moneta_in_threads_that_end_with_its_plugin(database: Database) -> None:
    plugins = opened(database, _BLOCKS)
    npd: Any = plugins[Provider.NPD]

    for plugin in plugins.values():
        plugin.close()

    with pytest.raises(RuntimeError, match="shutdown"):
        npd._moneta.group(7, {})
