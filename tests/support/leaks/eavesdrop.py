"""Everything that ever lay in a broker or passed through it, for a scan."""

import socket
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import redis

#: How a key of each kind is read. A kind that is not here is an error of the test.
_READ: Final[Mapping[bytes, tuple[str, ...]]] = {
    b"string": ("GET",),
    b"list": ("LRANGE",),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE",),
    b"hash": ("HGETALL",),
    b"stream": ("XRANGE",),
}
_WHOLE: Final[Mapping[bytes, tuple[str, str]]] = {
    b"list": ("0", "-1"),
    b"zset": ("0", "-1"),
    b"stream": ("-", "+"),
}


class Eavesdropper:
    """Reads the whole keyspace again and again, and every command (MONITOR); a context manager."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._server: redis.Redis = redis.Redis.from_url(url, socket_timeout=60)
        self._wire = self._listen()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._read_keys), threading.Thread(target=self._read_wire),
        ]  # fmt: skip
        #: Keys and what each of them ever held.
        self.held: set[tuple[bytes, bytes]] = set()
        self.rounds = 0
        self._passed: list[bytes] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._wire.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._wire.close()
        self._server.close()

    @property
    def keyspace(self) -> bytes:
        """Every value that was ever seen in a key, with its key."""
        return b"\n".join(b"%s %s" % pair for pair in sorted(self.held))

    @property
    def passed(self) -> bytes:
        """Every different command that the server was given, as MONITOR shows it (not AUTH)."""
        lines = b"".join(self._passed).split(b"\r\n")
        # A time and a client's address stand before the command.
        return b"\n".join(sorted({line.partition(b"] ")[2] for line in lines}))

    def look(self) -> bytes:
        """Return the keyspace as it is at this moment."""
        return b"\n".join(b"%s %s" % pair for pair in sorted(self._keys()))

    def _read_keys(self) -> None:
        # What lay there for less than this was a command that passed.
        while not self._stopping.wait(0.1):
            self.held |= self._keys()
            self.rounds += 1

    def _keys(self) -> set[tuple[bytes, bytes]]:
        keys = list(self._server.scan_iter(count=1000))
        kinds = self._all([("TYPE", key) for key in keys])
        there = [(key, kind) for key, kind in zip(keys, kinds, strict=True) if kind != b"none"]
        read = self._all([(*_READ[kind], key, *_WHOLE.get(kind, ())) for key, kind in there])
        return {
            (key, value)
            for (key, kind), found in zip(there, read, strict=True)
            # Gone, or another kind, since its type was asked.
            if not isinstance(found, redis.ResponseError) and found is not None
            for value in _values(kind, found)
        }

    def _all(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Send commands at once; an error is returned in its place."""
        pipeline: Any = self._server.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        found: list[Any] = pipeline.execute(raise_on_error=False)
        return found

    def _listen(self) -> socket.socket:
        parts = urlsplit(self._url)
        wire = socket.create_connection((parts.hostname, parts.port), timeout=None)
        hello = f"AUTH {parts.password}\r\n" if parts.password else ""
        wire.sendall(f"{hello}MONITOR\r\n".encode())
        return wire

    def _read_wire(self) -> None:
        try:
            while read := self._wire.recv(1 << 20):
                self._passed.append(read)
        except ConnectionResetError:
            # The server was still telling when we hung up; before that it must be listened to.
            if not self._stopping.is_set():
                raise


def _values(kind: bytes, found: Any) -> Iterable[bytes]:  # noqa: ANN401 - as redis-py reads it
    match kind:
        case b"string":
            return [found]
        case b"hash":
            return [part for pair in found.items() for part in pair]
        case b"stream":
            return [part for _, entry in found for pair in entry.items() for part in pair]
        case _:
            return list(found)
