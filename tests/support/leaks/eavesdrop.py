"""Everything that ever lay in a broker or passed through it, for a scan."""

import socket
import threading
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import redis


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
        while not self._stopping.wait(0.02):
            self.held |= self._keys()
            self.rounds += 1

    def _keys(self) -> set[tuple[bytes, bytes]]:
        found = set()
        for key in self._server.scan_iter(count=1000):
            try:
                found |= {(key, value) for value in self._values(key)}
            except redis.ResponseError:
                continue  # gone, or another kind, since its type was asked
        return found

    def _values(self, key: bytes) -> list[bytes]:
        server = cast("Any", self._server)
        match server.type(key):
            case b"string":
                return [server.get(key) or b""]
            case b"list":
                return list(server.lrange(key, 0, -1))
            case b"set":
                return list(server.smembers(key))
            case b"zset":
                return list(server.zrange(key, 0, -1))
            case b"hash":
                return [part for pair in server.hgetall(key).items() for part in pair]
            case b"stream":
                entries = server.xrange(key)
                return [part for _, entry in entries for pair in entry.items() for part in pair]
            case b"none":
                return []
            case kind:
                message = f"a key of kind {kind!r} is not looked into"
                raise AssertionError(message)

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
