"""One connection for many calls: a real socket whose other side follows a script, not a clock.

It matters when a piece arrives between two replies. So each piece has its moment, and arrives when
the product reaches it: at the request, when more is read, when the end of a reply is checked, after
the call, at the next request. Nothing waits, so the machine's speed does not matter: the time of a
silence is skipped.
"""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Final, Protocol

from worker.providers.transport import adapter, connections, watchdog
from worker.providers.transport.connections import GuardedConnection
from worker.providers.transport.http import PinnedSession


class Moment(Enum):
    """When a piece arrives."""

    #: After the head of the request, before its body.
    EARLY = auto()
    #: Together with the piece before it.
    AT_ONCE = auto()
    #: When everything was read and the product reads more.
    WANTED = auto()
    #: Nothing arrives although the product reads: the time limit of a single read ends it.
    PAUSE = auto()
    #: Nothing arrives although the product reads: the time limit of the whole call ends it.
    SILENCE = auto()
    #: When the product checks, without waiting, whether more has arrived.
    LOOKED = auto()
    #: After the call.
    BETWEEN = auto()
    #: At the next request, before its own reply.
    NEXT = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """A piece that the other side writes."""

    moment: Moment
    #: None: it closes the connection.
    piece: bytes | None = field(default=b"", repr=False)
    #: From now on the connection is out of order: no request asked for the piece, or it can be read
    #: in two ways.
    spoils: bool = False


_QUIET: Final = frozenset({Moment.PAUSE, Moment.SILENCE})


@dataclass(frozen=True, slots=True)
class Request:
    """A request, or its head."""

    wire: bytes = field(repr=False)
    #: The number of its connection in the case, from 0.
    connection: int
    #: The connection was already out of order, and the product could have noticed it.
    is_out_of_order: bool


class Clock:
    """The module `time`, with a clock that can skip."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the module `time`
        return getattr(time, name)

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    def skip(self, seconds: float) -> None:
        self._skipped += seconds


@contextmanager
def skipping() -> Iterator[Clock]:
    """Measure the calls' limits by a clock that skips."""
    clock = Clock()
    modules: tuple[Any, ...] = (adapter, connections, watchdog)
    for module in modules:
        module.time = clock
    try:
        yield clock
    finally:
        for module in modules:
            module.time = time


class Scripts(Protocol):
    """What a host writes."""

    def greeting(self, connection: int) -> Sequence[Step]:
        """Return what is written on a new connection, by its number, before a request."""

    def early(self, request: Request) -> Sequence[Step]:
        """Return what is written after the head of a request. It is mostly nothing yet."""

    def script(self, request: Request) -> Sequence[Step]:
        """Return what is written to a whole request that was not answered early."""


class Host:
    """The host that the product is connected to. It writes what the scripts say."""

    def __init__(self, clock: Clock, scripts: "Scripts") -> None:
        self.clock = clock
        self.scripts = scripts
        self.peers: list[Peer] = []
        self._wires: list[Wire] = []
        #: A piece arrived during a request, before its reply. HTTP cannot tell it from the reply.
        self.has_interfered = False

    def open(self, session: PinnedSession) -> "Wire":
        """Return the product's end of a new connection."""
        ours, theirs = socket.socketpair()
        peer = Peer(self, theirs, len(self.peers))
        self.peers.append(peer)
        wire = Wire(ours.family, ours.type, ours.proto, fileno=ours.detach())
        wire.of(session, peer)
        self._wires.append(wire)
        peer.greet()
        return wire

    def call_ended(self) -> None:
        """Write everything that arrives between two calls."""
        for peer in self.peers:
            peer.until_next()

    def close(self) -> None:
        """Close every connection, with the product's ends."""
        for peer in self.peers:
            peer.close()
        for wire in self._wires:
            wire.close()
        self.peers.clear()
        self._wires.clear()
        self.has_interfered = False


class Peer:
    """The host's end of one connection."""

    def __init__(self, host: Host, sock: socket.socket, number: int) -> None:
        self._host = host
        self._sock = sock
        self._number = number
        self._asked = bytearray()
        self._steps: list[Step] = []
        self._request: Request | None = None
        self.is_closed = False
        #: A piece arrived that no request asked for, or a reply was not read to its end.
        self.is_out_of_order = False

    def greet(self) -> None:
        """Write what arrives before a request."""
        for step in self._host.scripts.greeting(self._number):
            self._write(step)

    def sent(self, content: bytes) -> None:
        """Take a part of a request, and answer when it is whole."""
        if self.is_closed:
            raise BrokenPipeError
        self._asked += content
        head, separator, body = self._asked.partition(b"\r\n\r\n")
        if not separator:
            return
        if self._request is None:
            self._request = self._begun(bytes(head))
        if len(body) >= _length(bytes(head)):
            whole = replace(self._request, wire=bytes(self._asked))
            self._steps = self._steps or list(self._host.scripts.script(whole))
            self._asked.clear()
            self._request = None
            self._come(Moment.EARLY, Moment.AT_ONCE)

    def _begun(self, head: bytes) -> Request:
        begun = Request(head, self._number, self.is_out_of_order)
        for step in self._steps:
            # The product now reads this as its reply: HTTP cannot tell the two apart.
            self._host.has_interfered = True
            if step.moment not in _QUIET:
                self._write(replace(step, spoils=False))
        self._steps = list(self._host.scripts.early(begun))
        self._come(Moment.EARLY)
        return begun

    def wanted(self, wire: "Wire") -> None:
        """Write the next piece as the product reads more, or let the time limit end the call."""
        if self._steps and self._steps[0].moment is Moment.WANTED:
            self._write(self._steps.pop(0))
            self._come(Moment.AT_ONCE)
            return
        self.is_out_of_order = True
        is_pause = bool(self._steps) and self._steps[0].moment is Moment.PAUSE
        if self._steps and self._steps[0].moment in _QUIET:
            self._steps.pop(0)
        if is_pause:
            self._host.clock.skip(1.0)
            raise TimeoutError
        wire.be_cut(self._host.clock)

    def looked(self) -> None:
        """Write what arrives when the product checks for more."""
        self._come(Moment.LOOKED)

    def until_next(self) -> None:
        """Write all that arrives before the next request."""
        self._come(*(each for each in Moment if each is not Moment.NEXT))

    def close(self) -> None:
        self.is_closed = True
        self._sock.close()

    def _come(self, *moments: Moment) -> None:
        while self._steps and self._steps[0].moment in moments:
            step = self._steps.pop(0)
            if step.moment not in _QUIET:
                self._write(step)

    def _write(self, step: Step) -> None:
        self.is_out_of_order = self.is_out_of_order or step.spoils
        if self.is_closed:
            return
        if step.piece is None:
            self.close()
            return
        try:
            self._sock.sendall(step.piece)
        except OSError:  # The product has closed its end.
            self.close()


class Wire(socket.socket):
    """The product's end of one connection."""

    def of(self, session: PinnedSession, peer: Peer) -> None:
        """Bind it to its session and its other end."""
        self._session = session
        self._peer = peer

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ANN401 - any buffer
        del flags
        self._peer.sent(bytes(data))

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401
        if self.gettimeout() == 0.0:
            self._peer.looked()
        elif not self._has_come():
            self._peer.wanted(self)
        return super().recv_into(buffer, nbytes, flags)

    def be_cut(self, clock: Clock) -> None:
        """Let the call's time run out. The watchdog may cut off this connection and no other."""
        guard = self._session._watchdog
        clock.skip(guard._total + 0.1)
        watchdog._cut_overdue(guard._deadlines, guard._total)
        if not self._has_come():
            raise TimeoutError

    def _has_come(self) -> bool:
        return bool(select.select([self], [], [], 0)[0])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def connected_to(session: PinnedSession, host: Host) -> None:
    """Let a session connect to a host of this module."""

    class Connection(GuardedConnection):
        def _new_conn(self) -> socket.socket:
            return host.open(session)

    session._pool.ConnectionCls = Connection


def disconnected(session: PinnedSession) -> None:
    """Close the connections that a session has kept."""
    apart: Any = session.get_adapter("http://")
    for pool in (session._pool, apart._pool):
        shelf: Any = pool.pool
        kept = [shelf.get(block=False) for _ in range(shelf.qsize())]
        for connection in kept:
            if connection is not None:
                connection.close()
            shelf.put(None)
