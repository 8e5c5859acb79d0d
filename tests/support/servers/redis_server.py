"""Debian's `redis-server` and `redis-sentinel`: what the embedded Valkey lacks, such as TLS."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.loopback.server import free_port
from tests.support.processes.child import Process, ProcessEnded, start, wait_until
from tests.support.servers.real_parts import program

#: Lines of a configuration file, each by its first word or words.
Lines = Mapping[str, object]

_COMMON: Lines = {"bind": "127.0.0.1", "appendonly": "yes", "save": '""'}


class RedisServer:
    """A server that a test may stop, kill and start again: data, port and configuration stay."""

    def __init__(self, directory: Path, lines: Lines = {}, *, kind: str = "redis-server") -> None:  # noqa: B006 - read only
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self._binary = program(kind)
        common: Lines = _COMMON if kind == "redis-server" else {"bind": "127.0.0.1"}
        # With TLS there is no plain port beside it.
        ports = {} if "tls-port" in lines else {"port": self.port}
        self._write({**common, **ports, "dir": directory, **lines})
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """The address without TLS and password."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def process(self) -> Process:
        """The running server."""
        assert self._process is not None
        return self._process

    def client(self, **options: object) -> "redis.Redis":
        """Return a new client that speaks text; its user closes it."""
        made: Callable[..., redis.Redis] = redis.Redis
        retry = Retry(NoBackoff(), 0)
        settled = {"decode_responses": True, "socket_timeout": 10, "retry": retry, **options}
        return made("127.0.0.1", self.port, **settled)

    def start(self, **options: object) -> None:
        """Start, and return when it answers a client that is made with `options`."""
        process = start([self._binary, self._configuration], log=self.directory / "redis.log")
        self._process = process
        with self.client(**options) as client:
            wait_until(lambda: _answers(process, client), 20, process.tail)

    def stop(self) -> None:
        """End cleanly."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End as a crash does (SIGKILL)."""
        if self._process is not None:
            self._process.kill9()
            self._process = None

    @property
    def _configuration(self) -> Path:
        return self.directory / "redis.conf"

    def _write(self, lines: Lines) -> None:
        # A Sentinel writes into its own file.
        self._configuration.write_text(
            "".join(f"{name} {value}\n" for name, value in lines.items())
        )


@contextmanager
def redis_server(lines: Lines = {}, **options: object) -> Iterator[RedisServer]:  # noqa: B006 - read only
    """Run a server of one's own, empty; `options` are those of a client that it answers."""
    with TemporaryDirectory(prefix="uprid-redis-") as directory:
        server = RedisServer(Path(directory), lines)
        try:
            server.start(**options)
            yield server
        finally:
            server.kill()


def _answers(process: Process, client: "redis.Redis") -> bool:
    if not process.is_running:
        raise ProcessEnded(process.tail())
    with suppress(redis.ConnectionError, redis.TimeoutError):
        return bool(client.ping())
    return False
