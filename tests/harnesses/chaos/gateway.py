"""A gateway in front of the providers, as hosters have one: a link that knows where requests end.

It can send interim replies (RFC 9110, 15.2) before the reply, and close idle connections. It also
records which requests came on a connection that had carried another one before. Billed calls and
calls with an effect must not (decision 0040).
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.harnesses.chaos.proxy import Connection, Link, Proxy

#: Seconds for which a connection may be idle while the gateway closes idle ones.
IDLE: Final = 2.0
#: Seconds between an interim reply and what follows it, if they are sent apart: from, to.
_APART: Final = (0.05, 0.4)
_HINTS: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
_PROCESSING: Final = b"HTTP/1.1 102 Processing\r\n\r\n"
#: What is sent before a reply, and whether in one segment with it.
_INTERIM: Final = (
    ((_HINTS,), True),
    ((_HINTS,), False),
    ((_PROCESSING,), True),
    ((_PROCESSING,), False),
    ((_PROCESSING, _HINTS), False),
)
#: The start of a request that is billed or has an effect. MONETA's is in its body.
_COSTLY: Final = (
    b"SimplifiedIdentificationRequest",
    b"POST /npd/",
    b"POST /mandarin",
    b"PUT /mandarin",
    b"POST /intellectmoney",
)


@dataclass(slots=True)
class Weather:
    """What all gateways of a run do at present, and what they have done and seen. Thread-safe."""

    random: Random
    sends_interim: bool = False
    closes_idle: bool = False
    #: Replies that were sent after interim ones.
    interim: int = 0
    #: Idle connections that were closed.
    closed: int = 0
    #: Billed requests that were not the first on their connection, by their start.
    reused: Counter[str] = field(default_factory=Counter)


class HttpConnection(Connection):
    """A connection that carries requests one after the other, each answered before the next."""

    def __init__(
        self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, weather: Weather
    ) -> None:
        super().__init__(client, server)
        self._weather = weather
        self._request = b""
        self._requests = 0
        self._rests: asyncio.TimerHandle | None = None

    async def ask(self, said: bytes) -> None:
        """Pass on a part of a request."""
        self._wake()
        if not self._request:
            self._requests += 1
        self._request += said
        await super().ask(said)

    async def answer(self, said: bytes) -> None:
        """Pass on a part of a reply, with interim replies before the first part if so set."""
        self._wake()
        if self._request:
            self._note()
            self._request = b""
            said = await self._hinted(said)
        await super().answer(said)
        self._rests = asyncio.get_running_loop().call_later(IDLE, self._close_at_rest)

    def cut(self) -> None:
        """Reset both ends."""
        self._wake()
        super().cut()

    def _note(self) -> None:
        if self._requests > 1:
            self._weather.reused.update(
                known.decode() for known in _COSTLY if known in self._request
            )

    async def _hinted(self, said: bytes) -> bytes:
        """Send interim replies, or return them together with the reply."""
        if not self._weather.sends_interim:
            return said
        self._weather.interim += 1
        heads, at_once = self._weather.random.choice(_INTERIM)
        if at_once:
            return b"".join(heads) + said
        for head in heads:
            await super().answer(head)
            await asyncio.sleep(self._weather.random.uniform(*_APART))
        return said

    def _wake(self) -> None:
        if self._rests is not None:
            self._rests.cancel()
            self._rests = None

    def _close_at_rest(self) -> None:
        if self._weather.closes_idle and not self._request:
            self._weather.closed += 1
            self._client.close()


class Gateway(Link):
    """A port that leads to the providers, for one process alone."""

    def __init__(self, proxy: Proxy, port: int, weather: Weather) -> None:
        super().__init__(proxy, port)
        self._weather = weather

    def _connection(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> Connection:
        return HttpConnection(client, server, self._weather)
