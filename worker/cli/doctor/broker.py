"""Checks the broker: whether it answers, serves a worker, and keeps its data."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError

from config.settings import Settings
from uprid_client.redis_server.connection import connect
from uprid_client.redis_server.reading import parse
from uprid_client.redis_server.refusals import explained
from worker.cli.doctor.broker_rights import Probe, broker_probes, check_rights, stream_probes
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.process.redis_fitness import unfit

#: Seconds for an answer. It is waited for twice, and the whole report is there within five.
PATIENCE: Final = 1.25


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Check the broker, and what the stream needs if the stream is on it."""
    probes = broker_probes(parse(settings.broker_url))
    if settings.events_url == settings.broker_url:
        probes += stream_probes(settings.events.stream)
    return _check_server("broker", "REDIS_URL", settings.broker_url, probes)


def check_events_server(settings: Settings) -> Iterator[Finding]:
    """Check the stream's server if it is not the broker."""
    if settings.events_url != settings.broker_url:
        probes = stream_probes(settings.events.stream)
        yield from _check_server("events", "UPRID_EVENTS__REDIS_URL", settings.events_url, probes)


def _check_server(what: str, variable: str, url: str, probes: Sequence[Probe]) -> Iterator[Finding]:
    why = unfit(url, patience=PATIENCE)
    if why is not None:
        yield fault(what, f"{why} ({variable})")
        return
    server = connect(url, patience=PATIENCE, tries=1)
    try:
        server.ping()
        yield from _check_info(what, server)
        yield from check_rights(what, server, parse(url), probes)
    except redis.RedisError as error:
        yield fault(what, f"{explained(error)} ({variable})")
    finally:
        server.close()


def _check_info(what: str, server: redis.Redis) -> Iterator[Finding]:
    """Check what a server reports of itself."""
    try:
        info: dict[str, Any] = server.info()
    except NoPermissionError:
        # No worker needs it.
        yield ok(what, "answers")
        hidden = "cannot be looked at without the right to `info`: see to noeviction, appendonly"
        yield warning(f"{what} memory", hidden)
        return
    yield ok(what, f"{info.get('server_name', 'redis')} {_version(info)}")
    policy = info.get("maxmemory_policy")
    if policy is None:
        yield warning(f"{what} memory", "does not tell its maxmemory-policy: see to noeviction")
    elif policy != "noeviction":
        yield fault(f"{what} memory", f"maxmemory-policy is {policy}: set noeviction")
    else:
        yield ok(f"{what} memory", "noeviction")
    if info.get("aof_enabled") == 1:
        yield ok(f"{what} disk", "appendonly yes")
    else:
        lost = "a restart loses what waits, and the sweep finds it again"
        yield warning(f"{what} disk", f"appendonly is off: {lost}: set appendonly yes")


def _version(info: dict[str, Any]) -> str:
    return str(info.get("valkey_version") or info.get("redis_version", ""))
