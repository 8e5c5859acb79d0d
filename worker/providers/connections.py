"""Connections that know when they must end, and the pool that keeps them.

Built on urllib3's replaceable `ConnectionCls` and `QueueCls` and on public methods, but for one of
`http.client`'s replies: there is no other way to see the size of a chunk before it is read.
"""

import http.client
import queue
import socket
import ssl
import time
from typing import Any, Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.response import HTTPResponse

from worker.providers.pin import Pin
from worker.providers.watchdog import Watchdog

#: A connection that rested longer is not used again. Servers close idle connections after 5 s and
#: more; a request that meets that closing is lost with nobody knowing whether it arrived.
LONGEST_REST: Final = 4.0


class NotConnected(NewConnectionError):
    """The connection was not made; its cause says why. Nothing of a request was written."""


class _Reply(http.client.HTTPResponse):
    """A reply whose chunks have sizes."""

    def _read_next_chunk_size(self) -> int:
        """Refuse a size below zero.

        `http.client` takes -1 for "all that comes", which no limit bounds, and raises `ValueError`
        out of what is lower.
        """
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # not in its stub
        if size < 0:
            raise http.client.IncompleteRead(b"")
        return size


class GuardedConnection(HTTPConnection):
    """A connection whose calls the watchdog bounds."""

    response_class = _Reply

    def __init__(
        self, host: str, port: int | None = None, *, watchdog: Watchdog, **options: Any
    ) -> None:
        super().__init__(host, port, **options)
        self._watchdog = watchdog
        self._rested_at = 0.0
        self._lent: socket.socket | None = None
        self._lending = False

    def connect(self) -> None:
        """Connect, TLS handshake included; raise `NotConnected` for whatever prevents it.

        Only after this has returned is anything of a request written.
        """
        self._watchdog.start()
        self._watchdog.guard(self)
        try:
            super().connect()
        except (HTTPError, OSError) as error:
            raise NotConnected(self, type(error).__name__) from error
        if self._watchdog.is_overdue(self):
            # Sending now would be cut off at once, and leave a doubt for nothing.
            raise NotConnected(self, "too late") from TimeoutError()

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request; the call's time starts here, or in `connect`."""
        self._watchdog.guard(self)
        super().request(*args, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        """Read the reply's head."""
        # Where no second request may follow, http.client closes the connection here and the reply
        # keeps the socket: its body must stay cuttable.
        self._lent = self.sock
        self._lending = True
        try:
            return super().getresponse()
        finally:
            self._lending = False

    def close(self) -> None:
        """Close; the call's time ends with it."""
        if not self._lending:
            self._lent = None
            self._watchdog.release(self)
        super().close()

    def rest(self) -> None:
        """End the call's time: the reply is whole."""
        self._lent = None
        self._rested_at = time.monotonic()
        if not self._watchdog.release(self):
            self.close()

    @property
    def is_connected(self) -> bool:
        """Whether the connection can take another request."""
        rested = time.monotonic() - self._rested_at
        return rested < LONGEST_REST and super().is_connected

    @property
    def has_socket(self) -> bool:
        """Whether there is something to cut yet."""
        return self.sock is not None or self._lent is not None

    def cut(self) -> None:
        """Make every read and write on the socket end. Called from the watchdog's thread."""
        held = self.sock or self._lent
        if isinstance(held, socket.socket):
            try:
                # Not SSLSocket.shutdown: it takes the TLS object away under the reader's feet.
                socket.socket.shutdown(held, socket.SHUT_RDWR)
            except OSError:
                return  # It has just ended by itself.


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    """The same over TLS."""


class _Shelf(queue.LifoQueue[GuardedConnection | None]):
    """Where connections rest between calls."""

    def put(
        self,
        item: GuardedConnection | None,
        block: bool = True,  # noqa: FBT001, FBT002 -- queue.Queue's own signature
        timeout: float | None = None,
    ) -> None:
        """Put a connection back after its call."""
        if item is not None:
            item.rest()
        super().put(item, block, timeout)


class GuardedPool(HTTPConnectionPool):
    """Keeps guarded connections."""

    ConnectionCls = GuardedConnection
    QueueCls = _Shelf  # type: ignore[assignment]  # typed as a queue of anything


class GuardedTlsPool(HTTPSConnectionPool):
    """Keeps guarded TLS connections."""

    ConnectionCls = GuardedTlsConnection
    QueueCls = _Shelf  # type: ignore[assignment]  # typed as a queue of anything


def open_pool(
    pin: Pin, watchdog: Watchdog, size: int, tls: ssl.SSLContext | None
) -> HTTPConnectionPool:
    """Return the pool of the pinned host; `size` connections are kept."""
    if tls is None:
        return GuardedPool(pin.host, pin.port, maxsize=size, watchdog=watchdog)
    return GuardedTlsPool(pin.host, pin.port, maxsize=size, watchdog=watchdog, ssl_context=tls)
