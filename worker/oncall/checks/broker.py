"""The broker: whether it is there, and keeps what it is given."""

from collections.abc import Iterator
from typing import Any

import redis

from config.settings import Settings
from worker.events.server import connect
from worker.oncall.checks.finding import Finding, fault, ok, warning


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Look at the broker, and at the stream's server where that is another."""
    yield from _check_server("broker", "REDIS_URL", settings.broker_url)
    if settings.events_url != settings.broker_url:
        yield from _check_server("events", "UPRID_EVENTS__REDIS_URL", settings.events_url)


def _check_server(what: str, variable: str, url: str) -> Iterator[Finding]:
    server = connect(url)
    try:
        told: dict[str, Any] = server.info()
    except redis.RedisError as error:
        kind = type(error).__name__
        yield fault(what, f"does not answer ({kind}): look at {variable}, and whether it runs")
        return
    finally:
        server.close()
    yield ok(what, f"{told.get('server_name', 'redis')} {_version(told)}")
    policy = told.get("maxmemory_policy")
    if policy is None:
        yield warning(f"{what} memory", "does not tell its maxmemory-policy: see to noeviction")
    elif policy != "noeviction":
        yield fault(f"{what} memory", f"maxmemory-policy is {policy}: set noeviction")
    else:
        yield ok(f"{what} memory", "noeviction")
    if told.get("aof_enabled") == 1:
        yield ok(f"{what} disk", "appendonly yes")
    else:
        lost = "what waits is lost with a restart, and found again by the sweep"
        yield warning(f"{what} disk", f"appendonly is off: {lost}: set appendonly yes")


def _version(told: dict[str, Any]) -> str:
    return str(told.get("valkey_version") or told.get("redis_version", ""))
