"""What every test may ask for: servers that the run starts itself, and an empty environment."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.engine.schema import bring_to_newest
from tests.support.processes.child import SETTING_PREFIXES
from tests.support.servers.fresh import (
    PostgresServer,
    SqliteFiles,
    ValkeyServer,
    postgres_server,
    valkey_server,
)
from tests.support.servers.real_parts import is_ci
from tests.support.suite.shared_run import ByFile, longest_first
from tests.support.suite.where_time_goes import WhereTimeGoes
from worker.store.database import Database

# How long an example takes says how busy the machine is.
settings.register_profile(
    "any machine", settings(), deadline=None, suppress_health_check=(HealthCheck.too_slow,)
)
settings.register_profile("quick", settings.get_profile("any machine"), max_examples=30)
settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that measures a run."""
    parser.addoption(
        "--where-time-goes",
        action="store_true",
        help="print seconds and processor seconds by folder at the end",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples in the quick run, and measure a run where that is wanted."""
    if config.option.markexpr == "not exhaustive":
        settings.load_profile("quick")
    if config.getoption("where_time_goes"):
        config.pluginmanager.register(WhereTimeGoes())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin a shared run with the files that take longest: its end is short then."""
    if hasattr(config, "workerinput"):
        items[:] = longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Return what says who runs which tests in a shared run."""
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where everything must be there."""
    report = yield
    if is_ci() and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: CI may skip nothing: {why}"
    return report


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings: no test meets a real broker, database or provider."""
    for name in tuple(os.environ):
        if name.startswith(SETTING_PREFIXES):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[ValkeyServer]:
    """The run's Valkey. Tests ask for `valkey`, which is this one, emptied."""
    with valkey_server() as server:
        yield server


@pytest.fixture
def valkey(shared_valkey: ValkeyServer) -> ValkeyServer:
    """An empty Valkey. A test that stops, kills or configures it takes one of its own:
    `with valkey_server() as server`.
    """
    shared_valkey.flush()
    return shared_valkey


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The run's PostgreSQL. Fails, and never skips, where none can be run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    """The run's SQLite files."""
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(
    params=[pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
)
def databases(request: pytest.FixtureRequest) -> PostgresServer | SqliteFiles:
    """Either source of databases: the test runs twice, on SQLite and on PostgreSQL."""
    source: PostgresServer | SqliteFiles = request.getfixturevalue(request.param)
    return source


@pytest.fixture
def database_url(databases: PostgresServer | SqliteFiles) -> Iterator[str]:
    """The address of an empty database, on SQLite and on PostgreSQL."""
    url = databases.create_database()
    yield url
    databases.drop_database(url)


@pytest.fixture
def migrated_url(databases: PostgresServer | SqliteFiles) -> Iterator[str]:
    """The address of a database with the newest schema and no rows, on both."""
    url = databases.create_database(bring_to_newest)
    yield url
    databases.drop_database(url)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A database with the newest schema and no rows, on both."""
    opened = Database(migrated_url)
    yield opened
    opened.dispose()
