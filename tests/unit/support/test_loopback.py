"""The server that listens for every test: what it begins has ended when it has."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.loopback.server import LoopbackServer, closing_port, free_port, silent_port
from tests.support.processes.child import wait_until
from tests.support.servers.authority import Authority

_PATIENCE = 30.0


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), _PATIENCE)


def say_again(wire: socket.socket) -> None:
    while read := wire.recv(1000):
        wire.sendall(read)


def send_endlessly(wire: socket.socket) -> None:
    while True:
        wire.sendall(b"x" * 65_536)


def received(wire: socket.socket) -> bytes:
    """Return what comes next: nothing at the end, however the connection has ended."""
    try:
        return wire.recv(65_536)
    except (ConnectionError, ssl.SSLEOFError):
        return b""


@contextmanager
def tls_to(server: LoopbackServer, authority: Authority) -> Iterator[socket.socket]:
    tls = ssl.create_default_context(cafile=authority.certificate)
    plain = connected(server.port)
    with tls.wrap_socket(plain, server_hostname="localhost") as wire:
        yield wire


def test_server_serves_connections_side_by_side() -> None:
    both = threading.Barrier(2)

    def serve(wire: socket.socket) -> None:
        both.wait(_PATIENCE)
        say_again(wire)

    with (
        LoopbackServer(serve) as server,
        connected(server.port) as one,
        connected(server.port) as two,
    ):
        for each in (one, two):
            each.sendall(b"hello")
            assert each.recv(1000) == b"hello"

        assert (server.connections, server.ended) == (2, 0)


def test_server_closes_a_connection_when_its_handler_returns() -> None:
    with (
        LoopbackServer(lambda wire: wire.sendall(b"bye")) as server,
        connected(server.port) as wire,
    ):
        assert wire.recv(1000) == b"bye"
        assert wire.recv(1000) == b""
        wait_until(lambda: server.ended == 1, _PATIENCE, "the connection's end")


@pytest.mark.parametrize("handle", [say_again, send_endlessly])
def test_server_ends_handlers_that_wait_for_their_connection(
    handle: Callable[[socket.socket], None],
) -> None:
    before = threading.active_count()
    with LoopbackServer(handle) as server, connected(server.port) as wire:
        wait_until(lambda: server.connections == 1, _PATIENCE, "the connection")

        server.close()

        assert (server.ended, threading.active_count()) == (1, before)
        while received(wire):
            pass
        with pytest.raises(ConnectionRefusedError):
            connected(server.port)


def test_server_ends_handlers_that_wait_for_its_end() -> None:
    before = threading.active_count()
    waiting = threading.Event()

    def serve(_: socket.socket) -> None:
        waiting.set()
        assert server.stopped.wait(_PATIENCE)

    with LoopbackServer(serve) as server, connected(server.port):
        assert waiting.wait(_PATIENCE)
        server.close()

        assert threading.active_count() == before


def test_server_ends_clients_that_never_begin_their_handshake(tmp_path: Path) -> None:
    before = threading.active_count()
    tls = Authority(tmp_path).serving()
    with LoopbackServer(say_again, tls) as server, connected(server.port) as wire:
        wait_until(lambda: server.connections == 1, _PATIENCE, "the connection")

        server.close()

        assert received(wire) == b""
        assert threading.active_count() == before


def test_server_cuts_its_connections_and_takes_new_ones() -> None:
    with LoopbackServer(say_again) as server, connected(server.port) as wire:
        wait_until(lambda: server.connections == 1, _PATIENCE, "the connection")

        server.cut()

        assert received(wire) == b""
        with connected(server.port) as another:
            another.sendall(b"hello")
            assert another.recv(1000) == b"hello"


def test_server_speaks_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with LoopbackServer(say_again, authority.serving()) as server:
        assert server.origin == f"https://localhost:{server.port}"
        with tls_to(server, authority) as wire:
            wire.sendall(b"hello")

            assert wire.recv(1000) == b"hello"


def test_error_of_a_handler_ends_its_thread_and_closes_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pytest fails a test in which a thread ends by an error; this one looks first."""
    errors: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)

    def serve(_: socket.socket) -> None:
        raise LookupError

    with LoopbackServer(serve) as server, connected(server.port) as wire:
        assert received(wire) == b""

    assert [each.exc_type for each in errors] == [LookupError]


def test_free_port_refuses_connections() -> None:
    with pytest.raises(ConnectionRefusedError):
        connected(free_port())


def test_silent_port_is_taken_and_never_answers() -> None:
    with silent_port() as port, connected(port) as wire:
        wire.sendall(b"hello")
        wire.settimeout(0.1)

        with pytest.raises(TimeoutError):
            wire.recv(1)
        with pytest.raises(OSError, match="in use"), socket.socket() as second:
            second.bind(("127.0.0.1", port))


def test_closing_port_closes_each_connection() -> None:
    with closing_port() as port:
        for _ in range(2):
            with connected(port) as wire:
                assert received(wire) == b""
