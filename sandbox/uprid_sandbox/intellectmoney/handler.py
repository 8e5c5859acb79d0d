"""One of IntellectMoney's addresses."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.intellectmoney.methods import Method
from uprid_sandbox.intellectmoney.responder import Headers
from uprid_sandbox.intellectmoney.server import Letter, Server


class MethodHandler(DeliveryHandler):
    """`POST` alone: the page allows `GET` too, which would put the password into an address."""

    def initialize(self, server: Server, method: Method) -> None:
        """Take the server that answers, and what the address is for."""
        self._server = server
        self._method = method

    async def post(self, operation_id: str = "") -> None:
        """Do what is decided."""
        sent = self.request.headers
        headers = Headers(sent.get("Authorization"), sent.get("Sign"))
        letter = Letter(
            sent.get("Content-Type"), sent.get("Accept"), headers, self.request.body, operation_id
        )
        await self.deliver(self._server.answer(self._method, letter))
