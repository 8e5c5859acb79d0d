"""MONETA's one address."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.moneta.door import Server


class ServicesHandler(DeliveryHandler):
    """`POST /moneta/services`: all requests come here, in JSON and in SOAP."""

    def initialize(self, door: Server) -> None:
        """Take the door behind which it is decided."""
        self._door = door

    async def post(self) -> None:
        """Do what is decided."""
        content_type = self.request.headers.get("Content-Type")
        await self.deliver(self._door.answer(content_type, self.request.body))
