"""Two Redis servers watched by three Sentinels: one may be killed, and the other takes over."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import redis

from tests.support.processes.child import wait_until
from tests.support.servers.redis_server import RedisServer

NAME: Final = "identifications"
PASSWORD: Final = "servers/pass#word"
SENTINEL_PASSWORD: Final = "sentinels?password"


class Watched:
    """A primary, its replica, and the Sentinels that agree about them."""

    def __init__(self, directory: Path) -> None:
        lines = {
            "requirepass": f'"{PASSWORD}"',
            "masterauth": f'"{PASSWORD}"',
            "repl-diskless-sync-delay": 0,
            "maxmemory-policy": "noeviction",
        }
        self.primary = RedisServer(directory / "first", lines)
        following = {**lines, "replicaof": f"127.0.0.1 {self.primary.port}"}
        self.replica = RedisServer(directory / "second", following)
        self.sentinels = [self._sentinel(directory / f"sentinel-{n}") for n in range(3)]

    @property
    def url(self) -> str:
        """The address as it is set."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        encoded = {"/": "%2F", "#": "%23", "?": "%3F"}
        password, others = (
            "".join(encoded.get(sign, sign) for sign in text)
            for text in (PASSWORD, SENTINEL_PASSWORD)
        )
        options = f"master_name={NAME}&sentinel_password={others}"
        return f"sentinel://:{password}@{hosts}/1?{options}"

    def start(self) -> None:
        """Start all of it, and return when a fail-over would succeed."""
        for server in (self.primary, self.replica):
            server.start(password=PASSWORD)
        for sentinel in self.sentinels:
            sentinel.start(password=SENTINEL_PASSWORD)
        wait_until(self._agree, 30, "Sentinels that know each other and the replica", interval=0.1)

    def kill_primary(self) -> RedisServer:
        """Kill the primary; return the server that has taken over, once it has."""
        self.primary.kill()
        wait_until(self._taken_over, 60, "a fail-over", interval=0.05)
        return self.replica

    def stop(self) -> None:
        """End what still runs."""
        for server in (*self.sentinels, self.replica, self.primary):
            server.kill()

    def _sentinel(self, directory: Path) -> RedisServer:
        lines = {
            "requirepass": f'"{SENTINEL_PASSWORD}"',
            "sentinel sentinel-pass": f'"{SENTINEL_PASSWORD}"',
            "sentinel monitor": f"{NAME} 127.0.0.1 {self.primary.port} 2",
            "sentinel auth-pass": f'{NAME} "{PASSWORD}"',
            "sentinel down-after-milliseconds": f"{NAME} 1000",
            "sentinel failover-timeout": f"{NAME} 5000",
        }
        return RedisServer(directory, lines, kind="redis-sentinel")

    def _agree(self) -> bool:
        for sentinel in self.sentinels:
            with sentinel.client(password=SENTINEL_PASSWORD) as client:
                known = cast("Any", client).sentinel_master(NAME)
                if known["num-other-sentinels"] < len(self.sentinels) - 1:
                    return False
                replicas = cast("Any", client).sentinel_slaves(NAME)
                if not any(each["master-link-status"] == "ok" for each in replicas):
                    return False
        return True

    def _taken_over(self) -> bool:
        with self.replica.client(password=PASSWORD) as client, suppress(redis.RedisError):
            return bool(cast("Any", client).role()[0] == "master")
        return False


@contextmanager
def watched() -> Iterator[Watched]:
    """Run servers and Sentinels of one's own, empty."""
    with TemporaryDirectory(prefix="uprid-sentinels-") as directory:
        made = Watched(Path(directory))
        try:
            made.start()
            yield made
        finally:
            made.stop()
