"""The IntellectMoney plugin against a strict server on loopback.

Every test runs over XML and over JSON: they differ in nothing but how things are written.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.support.engine.schema import bring_to_newest
from tests.support.loopback.http_stub import HttpStub
from tests.support.providers.intellectmoney import (
    ACCESS_TOKEN,
    JSON,
    XML,
    Language,
    settings,
)
from tests.support.providers.intellectmoney_asking import Maker
from tests.support.servers.fresh import SqliteFiles
from uprid_client.sealing import Sealer
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin
from worker.store.database import Database


@pytest.fixture(params=[XML, JSON], ids=["xml", "json"])
def language(request: pytest.FixtureRequest) -> Language:
    spoken: Language = request.param
    return spoken


@pytest.fixture
def stub() -> Iterator[HttpStub]:
    with HttpStub() as server:
        yield server


@pytest.fixture
def empty_shelf(sqlite: SqliteFiles) -> Iterator[StoredAccessTokens]:
    url = sqlite.create_database(bring_to_newest)
    database = Database(url, connections=2)
    yield StoredAccessTokens(database, Sealer([Fernet.generate_key().decode()]), "intellectmoney")
    database.dispose()
    sqlite.drop_database(url)


@pytest.fixture
def shelf(empty_shelf: StoredAccessTokens) -> StoredAccessTokens:
    """A shelf with a token on it."""
    empty_shelf.put(ACCESS_TOKEN, 300)
    return empty_shelf


@pytest.fixture
def make(language: Language, shelf: StoredAccessTokens) -> Iterator[Maker]:
    with ExitStack() as stack:

        def made(url: str, **changes: Any) -> IntellectMoneyPlugin:
            options = {"format": language.name, **changes}
            plugin = IntellectMoneyPlugin(settings(url, **options), shelf)
            stack.callback(plugin.close)
            return plugin

        yield made


@pytest.fixture
def plugin(make: Maker, stub: HttpStub) -> IntellectMoneyPlugin:
    return make(stub.url)
