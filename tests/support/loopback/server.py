"""What listens in a test, always on the loopback interface; and ports to connect to in vain."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

_ANY_PORT: Final = ("127.0.0.1", 0)
#: A client that sends once must not be refused because many connect at the same time.
_BACKLOG: Final = 128
#: Seconds after which a thread that should end counts as leaked, however busy the machine.
_PATIENCE: Final = 60.0

#: Serves one connection, which is closed when it returns or raises an OSError.
Handler = Callable[[socket.socket], None]


class LoopbackServer:
    """Serves each connection on a thread of its own; a context manager.

    At its end it closes the listener, cuts all connections and waits for all threads: a handler
    may wait only for its connection or for `stopped`. What else a handler raises ends its thread,
    and pytest fails the test for that.
    """

    def __init__(self, handle: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handle = handle
        self._tls = tls
        self._listener = socket.create_server(_ANY_PORT, backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        #: How many connections were accepted, before any TLS handshake.
        self.connections = 0
        #: Set when the server is about to end.
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def origin(self) -> str:
        """The server's address as a URL without a path, if it speaks HTTP."""
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    @property
    def ended(self) -> int:
        """How many of the accepted connections the server has closed."""
        with self._lock:
            return self.connections - len(self._open)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything that the server began."""
        self.stopped.set()
        # Shutting a listener down wakes accept() on Linux only; a connection does everywhere.
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), _PATIENCE).close()
        self._accepting.join()
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(_PATIENCE)
            assert not thread.is_alive(), f"{self._handle} does not end"

    def cut(self) -> None:
        """Cut all open connections; a handler that reads finds the end of its stream."""
        with self._lock:
            for wire in self._open:
                # Not SSLSocket's own: it drops the TLS state that the handler's thread is using.
                with suppress(OSError):
                    socket.socket.shutdown(wire, socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            wire, _ = self._listener.accept()
            if self.stopped.is_set():
                wire.close()
                return
            with self._lock:
                self.connections += 1
                self._open.add(wire)
            thread = threading.Thread(target=self._serve, args=(wire,), daemon=True)
            self._threads = [*(one for one in self._threads if one.is_alive()), thread]
            thread.start()

    def _serve(self, wire: socket.socket) -> None:
        # The other side may leave at any time, and `cut` is one way to end a handler.
        try:
            with suppress(OSError):
                if self._tls is not None:
                    wire = wrapped = self._wrapped(wire, self._tls)
                    wrapped.do_handshake()
                self._handle(wire)
        finally:
            self._end(wire)

    def _wrapped(self, plain: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        # Without the handshake yet: `cut` must be able to end that, too.
        with self._lock:
            wrapped = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self._open = self._open - {plain} | {wrapped}
        return wrapped

    def _end(self, wire: socket.socket) -> None:
        # Within the lock: `cut` must not meet the number of a socket that has just been closed.
        with self._lock:
            self._open.discard(wire)
            with suppress(OSError):
                socket.socket.shutdown(wire, socket.SHUT_WR)
            wire.close()


def free_port() -> int:
    """Return a TCP port that no program listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(_ANY_PORT)
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port that is taken: it can be connected to, and nothing is ever read or sent."""
    with socket.create_server(_ANY_PORT, backlog=_BACKLOG) as listener:
        yield listener.getsockname()[1]


@contextmanager
def closing_port() -> Iterator[int]:
    """Yield a port whose connections are closed at once, so that no handshake is completed."""
    with LoopbackServer(lambda _: None) as server:
        yield server.port
