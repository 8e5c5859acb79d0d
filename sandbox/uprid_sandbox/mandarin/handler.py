"""Mandarin's two addresses."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.mandarin.responder import Asked, Responder
from uprid_sandbox.mandarin.xauth import HEADER


class _MandarinHandler(DeliveryHandler):
    def initialize(self, responder: Responder) -> None:
        """Take the responder that decides."""
        self._responder = responder

    def asked(self) -> Asked:
        """Return the request as it came."""
        headers = self.request.headers
        return Asked(headers.get(HEADER), headers.get("Content-Type"), self.request.body)


class SessionsHandler(_MandarinHandler):
    """`/mandarin/api/personidentification`."""

    async def post(self) -> None:
        """Begin a session."""
        await self.deliver(self._responder.submit(self.asked()))


class SessionHandler(_MandarinHandler):
    """`/mandarin/api/personidentification/{id}`."""

    async def put(self, session_id: str) -> None:
        """Take an SMS code."""
        await self.deliver(self._responder.send_code(session_id, self.asked()))

    async def get(self, session_id: str) -> None:
        """Reply with the state of both checks."""
        await self.deliver(self._responder.status(session_id, self.asked()))
