"""The proxy has the named effect on its connections, and no effect on others."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.harnesses.chaos.proxy import Link, Proxy
from tests.support.loopback.server import LoopbackServer, free_port
from tests.support.processes.child import wait_until

#: Seconds in which nothing may arrive.
_SILENCE = 0.3
_PATIENCE = 5.0


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that echoes."""

    def answer(wire: socket.socket) -> None:
        while said := wire.recv(1000):
            wire.sendall(said)

    with LoopbackServer(answer) as server:
        yield server.port


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


@pytest.fixture
def link(proxy: Proxy, echo: int) -> Link:
    return proxy.link(echo, watched=b"BRPOP")


def connected(link: Link) -> socket.socket:
    """Return a connection that has received one answer."""
    wire = socket.create_connection(("127.0.0.1", link.port), timeout=_PATIENCE)
    assert asked(wire, b"hello") == b"hello"
    return wire


def asked(wire: socket.socket, what: bytes) -> bytes:
    wire.sendall(what)
    return wire.recv(1000)


def silent(wire: socket.socket, what: bytes) -> bool:
    """Send, and return whether no answer comes."""
    wire.settimeout(_SILENCE)
    wire.sendall(what)
    try:
        wire.recv(1000)
    except TimeoutError:
        return True
    finally:
        wire.settimeout(_PATIENCE)
    return False


def test_link_passes_everything_on(link: Link) -> None:
    with connected(link) as wire:
        wire.sendall(b"x" * 200_000)
        got = 0
        while got < 200_000:
            got += len(wire.recv(100_000))

        assert got == 200_000


def test_link_cuts_its_connections_and_takes_new_ones(link: Link) -> None:
    with connected(link) as wire:
        link.cut()

        with pytest.raises(ConnectionError):
            wire.recv(1000)
    connected(link).close()


def test_link_cuts_no_other_links_connections(link: Link, proxy: Proxy, echo: int) -> None:
    other = proxy.link(echo)
    with connected(link), connected(other) as wire:
        link.cut()

        assert asked(wire, b"more") == b"more"


def test_stalled_link_says_nothing_and_loses_nothing(link: Link) -> None:
    with connected(link) as wire:
        link.stall()
        was_silent = silent(wire, b"held")
        link.flow()

        assert was_silent
        assert wire.recv(1000) == b"held"


def test_slow_link_is_late_in_both_directions_and_quick_again(link: Link) -> None:
    with connected(link) as wire:
        link.slow_down(0.1)
        began = time.monotonic()
        assert asked(wire, b"late") == b"late"
        took = time.monotonic() - began
        link.slow_down(0.0)

        assert took >= 0.2
        assert asked(wire, b"more") == b"more"


def test_half_open_connection_is_silent_until_it_is_cut(link: Link) -> None:
    with connected(link) as wire:
        link.half_open()
        assert silent(wire, b"lost")
        assert silent(wire, b"lost, too")
        connected(link).close()

        link.cut_half_open()

        with pytest.raises(ConnectionError):
            wire.recv(1000)


def test_half_open_connections_alone_are_cut_in_the_end(link: Link) -> None:
    with connected(link):
        link.half_open()
        with connected(link) as fresh:
            link.cut_half_open()

            assert asked(fresh, b"more") == b"more"


def test_link_remembers_that_it_was_stalled(link: Link) -> None:
    before = time.monotonic()
    with connected(link):
        assert not link.was_silent(before)
        link.stall()
        assert link.was_silent(time.monotonic())
        link.flow()

    assert link.was_silent(before)
    assert not link.was_silent(time.monotonic())


def test_link_remembers_that_a_connection_was_half_open(link: Link) -> None:
    before = time.monotonic()
    with connected(link):
        link.half_open()
        assert link.was_silent(time.monotonic())
    wait_until(lambda: link.connections == 0, _PATIENCE, "no connections")

    assert link.was_silent(before)
    assert not link.was_silent(time.monotonic())


def test_link_to_nobody_resets_whoever_connects(proxy: Proxy) -> None:
    link = proxy.link(free_port())

    with pytest.raises(ConnectionError):  # noqa: SIM117 - wherever it is noticed
        with socket.create_connection(("127.0.0.1", link.port), timeout=_PATIENCE) as wire:
            asked(wire, b"hello")


def test_connections_are_forgotten_when_the_client_leaves(link: Link) -> None:
    connected(link).close()

    wait_until(lambda: link.connections == 0, _PATIENCE, "no connections")


def test_link_remembers_when_the_watched_word_went_through(link: Link) -> None:
    with connected(link) as wire:
        before = link.seen_at
        asked(wire, b"GET")
        assert link.seen_at == before

        asked(wire, b"*2 BRPOP queue")

        assert link.seen_at > before
