"""MONETA's one address."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.moneta.server import Server


class ServicesHandler(DeliveryHandler):
    """`POST /moneta/services`: all requests come here, in JSON and in SOAP."""

    def initialize(self, server: Server) -> None:
        """Take the server that answers."""
        self._server = server

    async def post(self) -> None:
        """Do what is decided."""
        content_type = self.request.headers.get("Content-Type")
        await self.deliver(self._server.answer(content_type, self.request.body))
