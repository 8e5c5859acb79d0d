"""Checks, before anything begins, that a Redis server can serve us at all.

What a server's operator can change is waited for. What only another address can change ends the
process: a Redis Cluster, a Sentinel in the place of a server, a release that is too old, a database
that the server does not have.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from redis.exceptions import InvalidResponse, RedisError, ResponseError

from config.settings import Settings, SettingsError
from uprid_client.redis_server.connection import connect
from uprid_client.redis_server.refusals import CLUSTER, NO_DATABASE, NO_REDIS, explained

_PATIENCE: Final = 5.0
_OLDEST: Final = (6, 2)
_TOO_OLD: Final = "it is older than Redis 6.2: take a newer one, or Valkey"
_SENTINEL: Final = "it is a Sentinel: write sentinel://, with ?master_name="
_NEVER: Final = frozenset({CLUSTER, NO_DATABASE, NO_REDIS})


def servers(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each server's variable and address, the broker's first."""
    yield "REDIS_URL", settings.broker_url
    if settings.events_url != settings.broker_url:
        yield "UPRID_EVENTS__REDIS_URL", settings.events_url


def require_fit(settings: Settings) -> None:
    """Raise `SettingsError` where a server can never serve us; one that is away may yet."""
    found = ((variable, unfit(url)) for variable, url in servers(settings))
    errors = [f"{variable}: {why}" for variable, why in found if why is not None]
    if errors:
        raise SettingsError(errors)


def unfit(url: str, *, patience: float = _PATIENCE) -> str | None:
    """Return why a server can never serve us; None where it can, or does not answer now.

    `patience`: seconds for an answer.
    """
    server = connect(url, patience=patience, tries=1)
    try:
        # Not INFO: a worker has no right to that.
        hello: Mapping[str, Any] = cast("Any", server).execute_command("HELLO")
    except (ResponseError, InvalidResponse) as error:
        if "unknown command" in str(error).lower():
            return _TOO_OLD
        why = explained(error)
        return why if why in _NEVER else None
    except RedisError:
        return None
    finally:
        server.close()
    return _unfit(hello)


def _unfit(hello: Mapping[str, Any]) -> str | None:
    match hello.get("mode"):
        case "cluster":
            return CLUSTER
        case "sentinel":
            return _SENTINEL
        case _:
            numbers = re.findall(r"\d+", str(hello.get("version", "")))[:2]
            return _TOO_OLD if numbers and tuple(map(int, numbers)) < _OLDEST else None
