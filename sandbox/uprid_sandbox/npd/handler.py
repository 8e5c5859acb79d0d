"""The API's three addresses."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.npd.acts import Method
from uprid_sandbox.npd.responder import Responder


class MethodHandler(DeliveryHandler):
    """`POST /npd/{method}`."""

    def initialize(self, responder: Responder, method: Method) -> None:
        """Take the responder that decides, and the method."""
        self._responder = responder
        self._method = method

    async def post(self) -> None:
        """Do what is decided."""
        content_type = self.request.headers.get("Content-Type")
        await self.deliver(self._responder.answer(self._method, content_type, self.request.body))
