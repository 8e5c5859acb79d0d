"""What comes before, between and behind replies on a real connection: never another call's.

A second call is always behind.
"""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.support.loopback.http_server import read_request
from tests.support.loopback.server import LoopbackServer
from tests.support.processes.child import wait_until
from worker.domain.errors import CallFailed, ConnectionBroken, ConnectionRefused
from worker.providers.transport.connections import GuardedConnection
from worker.providers.transport.http import PinnedSession

TEXT = "text/plain"
#: A stranger's reply, whole.
STRAY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"


class Host(LoopbackServer):
    """Writes scripts to who connects: one a request, and a pause wherever a script has None."""

    def __init__(
        self,
        scripts: list[Sequence[bytes | None]],
        greeting: bytes = b"",
        go_on: threading.Event | None = None,
    ) -> None:
        super().__init__(self._converse)
        self.asked: list[bytes] = []
        #: A script was written to its end.
        self.written = threading.Semaphore(0)
        self._scripts = scripts
        self._greeting = greeting
        #: Set, it is what a pause waits for; else a pause is short.
        self._go_on = go_on

    def _converse(self, peer: socket.socket) -> None:
        peer.sendall(self._greeting)
        with peer.makefile("rb") as reader:
            while True:
                self.asked.append(read_request(reader).body)
                script = self._scripts.pop(0) if self._scripts else [replied(self.asked[-1])]
                self._write(peer, script)
                self.written.release()

    def _write(self, peer: socket.socket, script: Sequence[bytes | None]) -> None:
        for part in script:
            if part is not None:
                peer.sendall(part)
            elif self._go_on is not None:
                self._go_on.wait(30.0)
            else:
                time.sleep(0.05)


def replied(body: bytes, *headers: bytes) -> bytes:
    """Return a sound reply that says what was asked."""
    lines = [b"HTTP/1.1 200 OK", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@contextmanager
def hosted(host: Host) -> Iterator[PinnedSession]:
    """Serve, and return a session with the host."""
    times = {"connect_timeout": 30.0, "read_timeout": 30.0, "total_timeout": 30.0}
    with host, PinnedSession(host.origin, **times, threads=1) as session:  # type: ignore[arg-type]
        yield session


INTERIM = {
    "100": [b"HTTP/1.1 100 Continue\r\n\r\n"],
    "102": [b"HTTP/1.1 102 Processing\r\n\r\n"],
    "103": [b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"],
    "one that is not known": [b"HTTP/1.1 199 Soon\r\n\r\n"],
    "several": [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        None,
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 20,
    ],
    "with a length": [b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n"],
    "with chunks": [b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"],
    "with a wish to close": [b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n"],
    "with headers that are none": [
        b"HTTP/1.1 102 P\r\n: a\r\nno colon\r\n folded\r\nX: \xff\r\n\r\n"
    ],
    "with many headers": [b"HTTP/1.1 103 Early Hints\r\n" + b"Link: <a>\r\n" * 300 + b"\r\n"],
    "in bare line feeds": [b"HTTP/1.1 103 Early Hints\nLink: <a>\n\n"],
    "without a reason": [b"HTTP/1.1 103\r\n\r\n"],
}


@pytest.mark.parametrize("way", ["exchange", "poll"])
@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM)
def test_interim_reply_is_read_on_behind(interim: list[bytes | None], way: str) -> None:
    with hosted(Host([[*interim, None, replied(b"one")]])) as session:
        call = getattr(session, way)

        assert [call(asked, TEXT).body for asked in (b"one", b"two")] == [b"one", b"two"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"], id="101"),
        pytest.param(
            [b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n"], id="103, 101"
        ),
        pytest.param([b"HTTP/1.1 103 Early\r\n\r\nstray\r\n"], id="103 with a body"),
        pytest.param(
            [b"HTTP/1.1 103 Early\r\nX: " + b"a" * 70_000 + b"\r\n\r\n"], id="endless line"
        ),
    ],
)
@pytest.mark.parametrize("way", ["exchange", "poll"])
def test_what_is_no_interim_reply_breaks_the_connection(broken: list[bytes], way: str) -> None:
    host = Host([[*broken, None, replied(b"one")]])
    with hosted(host) as session:
        call = getattr(session, way)

        with pytest.raises(ConnectionBroken):
            call(b"one", TEXT)
        assert call(b"two", TEXT).body == b"two"

    assert host.connections == 2


FOLLOWED = {
    "a reply": [replied(b"one") + STRAY],
    "a byte": [replied(b"one") + b"\0"],
    "a line": [replied(b"one") + b"\r\n"],
    "a reply to no content": [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + STRAY],
    "a body of no content": [b"HTTP/1.1 204 No Content\r\n\r\nstray"],
    "a reply behind chunks": [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n" + STRAY
    ],
    "chunks that have a length, too": [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\none\r\n0\r\n\r\n"
        )
    ],
    "two lengths": [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 8\r\n\r\none"],
    "headers that are none": [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nno colon\r\n\r\none"],
}


@pytest.mark.parametrize("script", FOLLOWED.values(), ids=FOLLOWED)
def test_connection_carries_no_second_call_after_something_unexpected(script: list[bytes]) -> None:
    host = Host([script])
    with hosted(host) as session:
        try:
            first: bytes | None = session.poll(b"one", TEXT).body
        except CallFailed:
            first = None
        assert first in {b"one", b"", None}
        assert session.poll(b"two", TEXT).body == b"two"

    assert host.connections == 2


def test_unasked_reply_on_an_idle_connection_is_no_answer_to_the_next_call() -> None:
    go_on = threading.Event()
    host = Host([[replied(b"one"), None, STRAY]], go_on=go_on)
    with hosted(host) as session:
        assert session.poll(b"one", TEXT).body == b"one"
        go_on.set()
        assert host.written.acquire(timeout=30.0)

        assert session.poll(b"two", TEXT).body == b"two"

    assert host.connections == 2


def test_connection_that_is_about_to_be_cut_off_carries_no_second_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The watchdog took it for overdue as its reply came: it may cut the next call's connection."""
    rest, overdue = GuardedConnection.rest, list[GuardedConnection]()

    def rest_too_late(self: GuardedConnection) -> bool:
        if not overdue:
            overdue.append(self)
            # As the watchdog's thread does, which cuts it next.
            assert self._watchdog.release(self)
        return rest(self)

    monkeypatch.setattr(GuardedConnection, "rest", rest_too_late)
    go_on = threading.Event()
    host = Host([[replied(b"one")], [None, replied(b"two")]], go_on=go_on)

    def cut_the_second() -> None:
        wait_until(lambda: len(host.asked) == 2, 5.0, "the second call")
        overdue[0].cut()
        go_on.set()

    with hosted(host) as session, ThreadPoolExecutor(1) as threads:
        assert session.poll(b"one", TEXT).body == b"one"
        cutting = threads.submit(cut_the_second)
        assert session.poll(b"two", TEXT).body == b"two"
        cutting.result()

    assert host.connections == 2


def test_reply_of_a_kept_connection_says_that_others_came_before() -> None:
    with hosted(Host([])) as session:
        assert [session.poll(b"", TEXT).is_first for _ in range(3)] == [True, False, False]
        assert [session.exchange(b"", TEXT).is_first for _ in range(2)] == [True, True]


def test_connection_of_a_distrusted_reply_carries_no_second_call() -> None:
    host = Host([])
    with hosted(host) as session:
        session.poll(b"one", TEXT).distrust()

        assert [session.poll(asked, TEXT).body for asked in (b"two", b"three")] == [
            b"two",
            b"three",
        ]

    assert host.connections == 2


def test_call_with_an_effect_never_goes_out_on_a_connection_that_lay_idle() -> None:
    host = Host([])
    with hosted(host) as session:
        session.poll(b"one", TEXT)
        calls = [
            session.exchange(b"two", TEXT),
            session.exchange_at("PUT", "/three", b"three", TEXT),
            session.post(host.origin, data=b"four"),
        ]
        assert len(calls) == 3
        assert host.connections == 4
        session.poll(b"five", TEXT)

    assert host.connections == 4
    assert host.asked == [b"one", b"two", b"three", b"four", b"five"]


@pytest.mark.parametrize("way", ["exchange", "poll"])
def test_nothing_is_sent_to_a_host_that_speaks_before_it_is_asked(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _let_it_speak_first(monkeypatch)
    host = Host([], greeting=STRAY)
    with hosted(host) as session, pytest.raises(ConnectionRefused) as caught:
        getattr(session, way)(b"one", TEXT)

    assert caught.value.never_sent
    assert host.asked == []


def _let_it_speak_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait, once connected, until the greeting is there."""

    connect = GuardedConnection.connect

    def connected(self: GuardedConnection) -> None:
        connect(self)
        assert isinstance(self.sock, socket.socket)
        self.sock.recv(1, socket.MSG_PEEK)

    monkeypatch.setattr(GuardedConnection, "connect", connected)
