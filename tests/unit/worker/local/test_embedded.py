import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from worker.local.embedded import EmbeddedBroker
from worker.local.locks import InUse
from worker.local.processes import Keeper


def _never() -> bool:
    return False


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    """A keeper that stops what the test started."""
    with Keeper(
        tmp_path, tmp_path / "log", grace=5, hurried=_never, say=lambda _what, _which: None
    ) as keeper:
        yield keeper


def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, decode_responses=True)


def test_broker_keeps_everything_and_answers_only_with_its_password(
    tmp_path: Path, keeper: Keeper
) -> None:
    # A space and a quote: paths are what people have.
    broker = EmbeddedBroker(tmp_path / 'a "broker"')
    broker.start(keeper, os.environ, stopped=_never)
    with _client(broker.url) as client:
        found = {
            name: client.config_get(name)[name]
            for name in ("appendonly", "appendfsync", "maxmemory-policy", "bind")
        }
    assert found == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
    }
    with (
        _client(f"redis://127.0.0.1:{broker.port}/0") as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    configuration = broker.directory / "valkey.conf"
    assert configuration.stat().st_mode & 0o777 == 0o600


def test_broker_has_what_it_was_given_when_it_is_started_again(
    tmp_path: Path, keeper: Keeper
) -> None:
    for number in (1, 2):
        broker = EmbeddedBroker(tmp_path / "broker")
        broker.start(keeper, os.environ, stopped=_never)
        with _client(broker.url) as client:
            assert client.incr("starts") == number
        keeper.stop()


def test_broker_refuses_to_start_when_another_runs_on_its_data(
    tmp_path: Path, keeper: Keeper
) -> None:
    EmbeddedBroker(tmp_path / "broker").start(keeper, os.environ, stopped=_never)
    with pytest.raises(InUse, match="REDIS_URL"):
        EmbeddedBroker(tmp_path / "broker").start(keeper, os.environ, stopped=_never)
