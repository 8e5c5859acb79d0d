"""The lowest seam: the socket. Everything above it is real: the product, urllib3 and http.client.

A connection reads its reply from memory, so that a hundred thousand cases take a minute or two.
"""

import io
from collections.abc import Callable
from typing import Any

from worker.providers.transport.connections import GuardedConnection
from worker.providers.transport.http import PinnedSession

#: Returns the reply to a request, as bytes.
Host = Callable[[bytes], bytes]


class MemorySocket:
    """A socket whose other side answers at once, and then closes."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._asked = bytearray()

    def sendall(self, content: bytes) -> None:
        """Take the bytes of a request."""
        self._asked += content

    def makefile(self, *_args: Any, **_options: Any) -> io.BufferedReader:
        """Return the bytes of the reply."""
        return io.BufferedReader(io.BytesIO(self._host(bytes(self._asked))))

    def settimeout(self, seconds: float | None) -> None:
        """Do nothing: it never waits."""

    def shutdown(self, how: int) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def answered_by(session: PinnedSession, host: Host) -> None:
    """Let a session read its replies from memory."""

    class Connection(GuardedConnection):
        """A connection to the host in memory. Each request gets a new one."""

        def _new_conn(self) -> Any:  # noqa: ANN401 - a socket in all that is used of it
            return MemorySocket(host)

        @property
        def is_connected(self) -> bool:
            return False

    session._pool.ConnectionCls = Connection
