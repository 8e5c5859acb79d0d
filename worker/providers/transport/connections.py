"""Connections that end in time, and carry nothing from one call to the next.

Built on urllib3's replaceable `ConnectionCls` and on public methods, but for three
of `http.client`'s replies: there is no other way to see the size of a chunk before it is read, the
status of an interim reply, and what has come behind a reply.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.response import HTTPResponse
from urllib3.util.connection import create_connection

from config.proxy import Proxy
from worker.domain.errors import CallFailed, ConnectionRefused
from worker.providers.transport.failures import (
    ConnectTimedOut,
    HandshakeFailed,
    NameUnresolved,
    ProxyTimedOut,
    ProxyUnreachable,
    SpokeUnasked,
)
from worker.providers.transport.tls import why_no_handshake
from worker.providers.transport.tunnel import open_tunnel
from worker.providers.transport.watchdog import Watchdog

#: A connection that rested longer is not used again. Servers close idle connections after 5 s and
#: more; whether a request that meets the closing arrived is unknown.
LONGEST_REST: Final = 4.0
#: Bytes of a line in an interim reply's head; what `http.client` allows in any other.
_LONGEST_LINE: Final = 65_536


def _without_waiting(sock: object, read: Callable[[], bytes]) -> bytes:
    """Return what can be read without waiting; nothing, too, where a connection has ended."""
    if not isinstance(sock, socket.socket):  # What reads from memory never waits.
        return read()
    usual = sock.gettimeout()
    sock.settimeout(0.0)
    try:
        return read()
    except OSError:  # Nothing yet. If the connection has ended, writing fails.
        return b""
    finally:
        sock.settimeout(usual)


def _has_spoken(sock: socket.socket | None) -> bool:
    """Return whether the host has said something before it was asked."""
    return isinstance(sock, socket.socket) and bool(_without_waiting(sock, lambda: sock.recv(1)))


class _Reply(http.client.HTTPResponse):
    """A reply behind its interim ones, whose chunks have sizes and whose end is looked at."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._sock = sock
        #: Something came behind it that no request asked for.
        self.is_followed = False

    def begin(self) -> None:
        """Read the head; where it ends, or how long its body is, may be read in two ways.

        Such a connection carries no second call.
        """
        super().begin()
        headers = self.headers
        names = [name.lower() for name in headers.keys()]  # noqa: SIM118 - iterated, it loses doubles
        framing, lengths = names.count("transfer-encoding"), names.count("content-length")
        if framing + lengths > 1 or (framing and not self.chunked) or headers.defects:
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        """Read on behind interim replies (RFC 9110, 15.2): `http.client` knows none but 100.

        We never ask for another protocol, so that who switches to one (101) says nothing to us.
        """
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in its stub
            if status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.BadStatusLine("")
            if status >= HTTPStatus.OK:
                return version, status, reason
            self._pass_head()

    def _pass_head(self) -> None:
        """Read to the end of an interim reply's head. The call's time bounds how long that is."""
        while True:
            line = self.fp.readline(_LONGEST_LINE + 1)
            if len(line) > _LONGEST_LINE:
                raise http.client.LineTooLong("header line")
            if line in {b"\r\n", b"\n", b""}:
                return

    def _close_conn(self) -> None:
        """Let go of the connection at the reply's end; see what has come behind it."""
        try:
            if not self.will_close:
                self.is_followed = self._has_more()
        finally:
            super()._close_conn()  # type: ignore[misc]  # not in its stub

    def _has_more(self) -> bool:
        """Return whether more has come already: what was read ahead is lost with the reply."""
        return bool(_without_waiting(self._sock, lambda: self.fp.peek(1)))

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
    """A connection whose calls the watchdog bounds, and which carries nothing of one to the next.

    HTTP/1.1 ties a reply to its request by nothing but their order: after anything that may have
    put it out of order the connection is closed.
    """

    response_class = _Reply

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        watchdog: Watchdog,
        through: Proxy | None = None,
        **options: Any,
    ) -> None:
        super().__init__(host, port, **options)
        self._watchdog = watchdog
        self._through = through
        # A second handle on the socket while it is being connected: what TLS is made of takes the
        # first one out of our hands until the handshake is over.
        self._handle: socket.socket | None = None
        self._rested_at = 0.0
        self._lent: socket.socket | None = None
        self._lending = False
        self._reply: object = None
        self._is_distrusted = False
        #: Calls since it was made: the first one's reply can be no other's.
        self.calls = 0

    def connect(self) -> None:
        """Connect, tunnel and TLS handshake included; raise `CallFailed` for what prevents it.

        Only after this has returned is anything of a request written.
        """
        self._watchdog.start()
        self._watchdog.guard(self)
        self.calls = 0
        self._is_distrusted = False
        try:
            super().connect()
        except (CallFailed, HTTPError, OSError) as error:
            if self._watchdog.is_overdue(self):
                raise self._too_late() from None
            raise (error if isinstance(error, CallFailed) else _why(error)) from None
        finally:
            if self._handle is not None:
                self._handle.close()
                self._handle = None
        if self._watchdog.is_overdue(self):
            # A request sent now would be cut off at once, and be in doubt.
            raise self._too_late()

    def _new_conn(self) -> socket.socket:
        """Connect to the host, through the proxy where there is one."""
        sock = super()._new_conn() if self._through is None else self._reach(self._through)
        self._handle = sock.dup()
        if self._through is None:
            return sock
        try:
            open_tunnel(sock, self._through, self.host, self.port)
        except BaseException:
            sock.close()
            raise
        return sock

    def _reach(self, proxy: Proxy) -> socket.socket:
        try:
            return create_connection(
                (proxy.host, proxy.port), self.timeout, socket_options=self.socket_options
            )
        except TimeoutError:
            raise ProxyTimedOut from None
        except (HTTPError, OSError) as error:
            raise ProxyUnreachable(f"({type(error).__name__})") from None

    def _too_late(self) -> ConnectTimedOut:
        return ConnectTimedOut() if self._through is None else ProxyTimedOut()

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request; the call's time starts here, or in `connect`."""
        self._watchdog.guard(self)
        if self.sock is None:
            self.connect()
        # At a kept one `is_connected` has just looked.
        if not self.calls and _has_spoken(self.sock):
            self.close()
            raise SpokeUnasked
        self.calls += 1
        super().request(*args, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself does
        """Read the reply's head."""
        # Where no second request may follow, http.client closes the connection here and the reply
        # keeps the socket: its body must stay cuttable.
        self._lent = self.sock
        self._lending = True
        try:
            response = super().getresponse()
        finally:
            self._lending = False
        # http.client's own response, which urllib3 keeps in a private attribute.
        self._reply = getattr(response, "_original_response", None)
        return response

    def close(self) -> None:
        """Close; the call's time ends with it."""
        if not self._lending:
            self._lent = None
            self._watchdog.release(self)
        super().close()

    def rest(self) -> bool:
        """End the call's time, as the reply is whole; return whether another call may follow."""
        self._lent = None
        self._rested_at = time.monotonic()
        is_followed = isinstance(self._reply, _Reply) and self._reply.is_followed
        in_time = self._watchdog.release(self)
        if not in_time or is_followed or self._is_distrusted:
            self.close()
            return False
        return True

    def distrust(self) -> None:
        """Have it carry no further call: what it brought may have been another's.

        May be called from another thread than that of the call that it carries.
        """
        self._is_distrusted = True

    @property
    def is_connected(self) -> bool:
        """Whether the connection can take another request; not where the host spoke unasked."""
        rested = time.monotonic() - self._rested_at
        unread = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
        if self._is_distrusted or unread or rested >= LONGEST_REST:
            return False
        return super().is_connected

    @property
    def has_socket(self) -> bool:
        """Whether there is something to cut yet."""
        return not (self._handle is None and self.sock is None and self._lent is None)

    def cut(self) -> None:
        """Make every read and write on the socket end. Called from the watchdog's thread."""
        held = self._handle or self.sock or self._lent
        if isinstance(held, socket.socket):
            try:
                # Not SSLSocket.shutdown: it takes the TLS object away under the reader's feet.
                socket.socket.shutdown(held, socket.SHUT_RDWR)
            except OSError:
                return  # It has just ended by itself.


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    """The same over TLS."""


def _why(error: Exception) -> CallFailed:
    """Return why no connection was made; nothing of a request was written."""
    detail = f"({type(error).__name__})"
    if isinstance(error, NameResolutionError):
        return NameUnresolved(detail)
    if isinstance(error, NewConnectionError):  # A kind of ConnectTimeoutError to urllib3.
        return ConnectionRefused(detail)
    if isinstance(error, ConnectTimeoutError | TimeoutError):
        return ConnectTimedOut(detail)
    return why_no_handshake(error) if isinstance(error, ssl.SSLError) else HandshakeFailed(detail)
