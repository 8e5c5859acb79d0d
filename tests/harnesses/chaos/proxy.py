"""A TCP proxy that can cut, stall and half-open its connections, each link independently.

All links of a run are in one event loop in one thread. Any thread may call their methods.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from tests.support.loopback.server import free_port

_HOST: Final = "127.0.0.1"
_AT_ONCE: Final = 64 * 1024
#: A close resets the connection: nothing more is delivered, and the other side sees that at once.
_RESET: Final = struct.pack("ii", 1, 0)

T = TypeVar("T")


class Connection:
    """A client's connection, and the one to its server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._client = client
        self._server = server
        #: The server's end is gone and the client does not know: what the client sends is dropped.
        self.is_half_open = False

    async def ask(self, said: bytes) -> None:
        """Pass on what the client sent."""
        self._server.write(said)
        await self._server.drain()

    async def answer(self, said: bytes) -> None:
        """Pass on what the server sent."""
        self._client.write(said)
        await self._client.drain()

    def cut(self) -> None:
        """Reset both ends."""
        _reset(self._client)
        _reset(self._server)

    def half_open(self) -> None:
        """Reset the server's end. The client's end stays open and gets no answer."""
        self.is_half_open = True
        _reset(self._server)


class Link:
    """A port that leads to a server, for one process alone."""

    def __init__(self, proxy: "Proxy", port: int, watched: bytes = b"\0") -> None:
        self._proxy = proxy
        self._target = port
        self._watched = watched
        self.port = free_port()
        self._connections: set[Connection] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        #: Seconds by which everything is delayed, in each direction.
        self._late = 0.0
        #: Until when a client waited without an answer, by the monotonic clock.
        self._silent_until = float("-inf")
        #: When the watched command last went to the server, by the monotonic clock.
        self.seen_at = time.monotonic()

    @property
    def connections(self) -> int:
        """The number of connections."""
        return len(self._connections)

    def cut(self) -> None:
        """Reset every connection. New ones are accepted."""
        self._proxy.call(lambda: _each(self._connections, Connection.cut))

    def half_open(self) -> None:
        """Half-open every connection: it is dead and looks alive. New ones are accepted."""
        self._proxy.call(lambda: _each(self._connections, Connection.half_open))

    def cut_half_open(self) -> None:
        """Reset the half-open connections, as a kernel does in the end."""
        self._proxy.call(
            lambda: _each([one for one in self._connections if one.is_half_open], Connection.cut)
        )

    def stall(self) -> None:
        """Let nothing through in either direction until `flow`. Connections are accepted."""
        self._proxy.call(self._flowing.clear)

    def flow(self) -> None:
        """Let everything through again, and first what was held up."""
        self._proxy.call(self._flow)

    def slow_down(self, seconds: float) -> None:
        """Delay everything from now on by this many seconds, piece by piece, in each direction."""
        self._late = seconds

    def was_silent(self, since: float) -> bool:
        """Return whether a client waited without an answer, now or since that time."""
        is_silent = not self._flowing.is_set() or any(
            one.is_half_open for one in tuple(self._connections)
        )
        return is_silent or self._silent_until >= since

    def close(self) -> None:
        """Reset every connection. Called only in the thread of the event loop."""
        self._flowing.set()
        _each(self._connections, Connection.cut)

    def _flow(self) -> None:
        if not self._flowing.is_set():
            self._silent_until = time.monotonic()
        self._flowing.set()

    async def serve(self) -> asyncio.Server:
        """Start to listen."""
        return await asyncio.start_server(self._connect, _HOST, self.port)

    async def _connect(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection(_HOST, self._target)
        except OSError:
            _reset(client)
            return
        connection = self._connection(client, server)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._asks(connection, reader))
                both.create_task(self._answers(connection, answers))
        except* OSError:
            pass
        finally:
            if connection.is_half_open:
                self._silent_until = time.monotonic()
            self._connections.discard(connection)
            connection.cut()

    def _connection(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> Connection:
        return Connection(client, server)

    async def _asks(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        while said := await reader.read(_AT_ONCE):
            await self._passes()
            if connection.is_half_open:
                continue
            if self._watched in said:
                self.seen_at = time.monotonic()
            await connection.ask(said)
        raise ConnectionResetError

    async def _passes(self) -> None:
        if self._late:
            await asyncio.sleep(self._late)
        await self._flowing.wait()

    async def _answers(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        try:
            while said := await reader.read(_AT_ONCE):
                await self._passes()
                if connection.is_half_open:
                    return
                await connection.answer(said)
        except OSError:
            if not connection.is_half_open:
                raise
        if not connection.is_half_open:
            raise ConnectionResetError


AnyLink = TypeVar("AnyLink", bound=Link)


class Proxy:
    """The links of a run, used as a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._links: list[Link] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def link(self, port: int, watched: bytes = b"\0") -> Link:
        """Open a link to a port. It records when `watched` went through last."""
        return self.open(Link(self, port, watched))

    def open(self, made: AnyLink) -> AnyLink:
        """Start a link's listener."""
        self._servers.append(self._run(made.serve()))
        self._links.append(made)
        return made

    def call(self, function: Callable[[], object]) -> None:
        """Call a function in the thread of the event loop, and wait for it."""

        async def called() -> None:
            function()

        self._run(called())

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for link in self._links:
            link.close()
        own = asyncio.current_task()
        while serving := [task for task in asyncio.all_tasks() if task is not own]:
            await asyncio.wait(serving)


def _each(connections: Iterable[Connection], act: Callable[[Connection], None]) -> None:
    for connection in tuple(connections):
        act(connection)


def _reset(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    wire: socket.socket | None = writer.get_extra_info("socket")
    if wire is not None and not transport.is_closing():
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
