"""Mandarin's two addresses."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.mandarin.desk import Asked, Responder
from uprid_sandbox.mandarin.xauth import HEADER


class _MandarinHandler(DeliveryHandler):
    def initialize(self, desk: Responder) -> None:
        """Take the desk that decides."""
        self._desk = desk

    def asked(self) -> Asked:
        """Return the request as it came."""
        headers = self.request.headers
        return Asked(headers.get(HEADER), headers.get("Content-Type"), self.request.body)


class SessionsHandler(_MandarinHandler):
    """`/mandarin/api/personidentification`."""

    async def post(self) -> None:
        """Begin a session."""
        await self.deliver(self._desk.submit(self.asked()))


class SessionHandler(_MandarinHandler):
    """`/mandarin/api/personidentification/{id}`."""

    async def put(self, session_id: str) -> None:
        """Take an SMS code."""
        await self.deliver(self._desk.send_code(session_id, self.asked()))

    async def get(self, session_id: str) -> None:
        """Reply with the state of both checks."""
        await self.deliver(self._desk.status(session_id, self.asked()))
