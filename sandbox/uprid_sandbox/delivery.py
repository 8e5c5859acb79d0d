"""Carries an answer out over HTTP, the broken ones too."""

import asyncio
from typing import Any, Final, assert_never

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from uprid_sandbox.answers import Answer, Cut, Drip, Drop, Hang, Late, Page
from uprid_sandbox.outages import Outage

#: Seconds after which even a client without a timeout is let go.
PATIENCE: Final = 300.0
#: Seconds between two bytes of a dripping body.
DRIP_EVERY: Final = 0.25


class DeliveryHandler(RequestHandler):
    """Knows how to deliver every kind of answer."""

    def prepare(self) -> None:
        """Be ready to notice that the client has gone."""
        self._gone = asyncio.Event()

    def on_connection_close(self) -> None:
        """Wake the thread that waits for the client to go."""
        self._gone.set()

    async def get(self, *_: Any, **__: Any) -> None:
        """Answer a look at the host: no call of any provider is a GET."""
        await self.refuse(405)

    async def refuse(self, status: int) -> None:
        """Answer what is no call of the provider's: with a status, or with its outage."""
        name = self.request.path.split("/")[1]
        outage: Outage = self.settings["outages"][name]
        answer = outage.at_the_gateway()
        if answer is None:
            raise HTTPError(status)
        await self.deliver(answer)

    async def deliver(self, answer: Answer) -> None:
        """Do to the client what the answer says."""
        match answer:
            case Page():
                await self._send(answer)
            case Drop():
                self.detach().close()
            case Hang():
                await self._client_gone(PATIENCE)
                self._close()
            case Cut(page):
                await self._cut(page)
            case Drip(page):
                await self._drip(page)
            case Late(page, seconds):
                if not await self._client_gone(seconds):
                    await self._send(page)
            case _:
                assert_never(answer)

    async def _send(self, page: Page) -> None:
        self._head(page)
        await self.finish(page.body)

    async def _cut(self, page: Page) -> None:
        self._head(page)
        self.set_header("Content-Length", str(len(page.body)))
        self.write(page.body[: len(page.body) // 2])
        try:
            await self.flush()
        except StreamClosedError:
            return
        self._close()

    async def _drip(self, page: Page) -> None:
        """Send a blank now and then, which JSON and XML allow, and the body when patience ends."""
        self._head(page)
        for _ in range(int(PATIENCE / DRIP_EVERY)):
            try:
                self.write(b" ")
                await self.flush()
            except StreamClosedError:
                return
            if await self._client_gone(DRIP_EVERY):
                return
        await self.finish(page.body)

    def _head(self, page: Page) -> None:
        self.set_status(page.status)
        self.set_header("Content-Type", page.content_type)
        for name, value in page.headers.items():
            self.set_header(name, value)

    async def _client_gone(self, within: float) -> bool:
        try:
            await asyncio.wait_for(self._gone.wait(), within)
        except TimeoutError:
            return False
        return True

    def _close(self) -> None:
        if not self._gone.is_set():
            self.detach().close()


class UnknownAddressHandler(DeliveryHandler):
    """An address below a provider's prefix that the provider does not have."""

    async def get(self, *_: Any, **__: Any) -> None:
        """Say that it is not found."""
        await self.refuse(404)

    async def post(self) -> None:
        """Say that it is not found."""
        await self.refuse(404)
