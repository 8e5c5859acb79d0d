"""Where connections to the pinned host are made and kept: urllib3's pools, with shelves of ours."""

import queue
import socket
import ssl
from typing import Any, Final

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout

from config.proxy import Proxy
from worker.domain.errors import CallFailed
from worker.providers.transport.connections import GuardedConnection, GuardedTlsConnection
from worker.providers.transport.pin import Pin
from worker.providers.transport.tls import why_broken_off
from worker.providers.transport.watchdog import Watchdog

#: Seconds in which a host says what it has against a connection.
_AT_ONCE: Final = 2.0


class _Shelf(queue.LifoQueue[GuardedConnection | None]):
    """Where connections rest between calls."""

    def put(
        self,
        item: GuardedConnection | None,
        block: bool = True,  # noqa: FBT001, FBT002 -- queue.Queue's own signature
        timeout: float | None = None,
    ) -> None:
        """Put a connection back after its call; None in the place of one that carries no other.

        The watchdog may have taken it for overdue and be about to cut it: connected anew, it would
        be the next call that is cut off.
        """
        kept = item if item is not None and item.rest() else None
        super().put(kept, block, timeout)


class _NoShelf(_Shelf):
    """Where none rests."""

    def put(
        self,
        item: GuardedConnection | None,
        block: bool = True,  # noqa: FBT001, FBT002 -- queue.Queue's own signature
        timeout: float | None = None,
    ) -> None:
        """Close a connection after its call."""
        del block, timeout
        if item is not None:
            item.close()


class GuardedPool(HTTPConnectionPool):
    """Keeps guarded connections."""

    ConnectionCls = GuardedConnection
    QueueCls = _Shelf  # type: ignore[assignment]  # typed as a queue of anything


class GuardedTlsPool(HTTPSConnectionPool):
    """Keeps guarded TLS connections."""

    ConnectionCls = GuardedTlsConnection
    QueueCls = _Shelf  # type: ignore[assignment]  # typed as a queue of anything


class _ApartPool(GuardedPool):
    """Makes connections as another pool does, one for each call."""

    QueueCls = _NoShelf

    def __init__(self, usual: HTTPConnectionPool) -> None:
        super().__init__(usual.host, usual.port)
        self._usual = usual

    def _new_conn(self) -> Any:  # noqa: ANN401 -- urllib3's own type is not public
        return self._usual._new_conn()  # noqa: SLF001 -- overridden, as urllib3 has it


class _ApartTlsPool(GuardedTlsPool):
    """The same over TLS."""

    QueueCls = _NoShelf

    def __init__(self, usual: HTTPConnectionPool) -> None:
        super().__init__(usual.host, usual.port)
        self._usual = usual

    def _new_conn(self) -> Any:  # noqa: ANN401 -- as above
        return self._usual._new_conn()  # noqa: SLF001 -- overridden, as urllib3 has it


def open_pool(
    pin: Pin,
    watchdog: Watchdog,
    size: int,
    tls: ssl.SSLContext | None,
    through: Proxy | None = None,
) -> HTTPConnectionPool:
    """Return the pool of the pinned host; `size` connections are kept."""
    options: dict[str, Any] = {"maxsize": size, "watchdog": watchdog, "through": through}
    if tls is None:
        return GuardedPool(pin.host, pin.port, **options)
    return GuardedTlsPool(pin.host, pin.port, ssl_context=tls, **options)


def apart_from(pool: HTTPConnectionPool) -> HTTPConnectionPool:
    """Return a pool of the same host whose connections carry one call each.

    A kept connection may be closing just then, and whether a request arrived is then unknown.
    """
    return _ApartTlsPool(pool) if isinstance(pool, HTTPSConnectionPool) else _ApartPool(pool)


def hear_out(pool: HTTPConnectionPool, timeout: Timeout) -> CallFailed | None:
    """Make a connection for nothing but what a host says against it; None: nothing at once.

    In TLS 1.3 a client's certificate is judged after the client's part of the handshake is done.
    """
    connection = pool.ConnectionCls(
        pool.host, pool.port, timeout=timeout.connect_timeout, **pool.conn_kw
    )
    try:
        connection.connect()
        listening: socket.socket = connection.sock  # type: ignore[attr-defined]  # as ours have it
        listening.settimeout(_AT_ONCE)
        listening.recv(1)
    except CallFailed as failure:
        return failure
    except OSError as error:
        return why_broken_off(error)
    finally:
        connection.close()
    return None
