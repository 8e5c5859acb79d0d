"""MONETA's one address."""

from worker.sandbox.delivery import DeliveryHandler
from worker.sandbox.moneta.desk import Desk


class ServicesHandler(DeliveryHandler):
    """`POST /moneta/services`: all requests come here."""

    def initialize(self, desk: Desk) -> None:
        """Take the desk that decides."""
        self._desk = desk

    async def post(self) -> None:
        """Do what the desk decides."""
        content_type = self.request.headers.get("Content-Type")
        await self.deliver(self._desk.answer(content_type, self.request.body))
