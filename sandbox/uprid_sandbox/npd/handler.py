"""The API's three addresses."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.npd.acts import Method
from uprid_sandbox.npd.desk import Responder


class MethodHandler(DeliveryHandler):
    """`POST /npd/{method}`."""

    def initialize(self, desk: Responder, method: Method) -> None:
        """Take the desk that decides, and what it is asked."""
        self._desk = desk
        self._method = method

    async def post(self) -> None:
        """Do what is decided."""
        content_type = self.request.headers.get("Content-Type")
        await self.deliver(self._desk.answer(self._method, content_type, self.request.body))
