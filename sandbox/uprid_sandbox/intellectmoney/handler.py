"""One of IntellectMoney's addresses."""

from uprid_sandbox.delivery import DeliveryHandler
from uprid_sandbox.intellectmoney.desk import Headers
from uprid_sandbox.intellectmoney.door import Letter, Server
from uprid_sandbox.intellectmoney.methods import Method


class MethodHandler(DeliveryHandler):
    """`POST` alone: the page allows `GET` too, which would put the password into an address."""

    def initialize(self, door: Server, method: Method) -> None:
        """Take the door behind which it is decided, and what the address is for."""
        self._door = door
        self._method = method

    async def post(self, operation_id: str = "") -> None:
        """Do what is decided."""
        sent = self.request.headers
        headers = Headers(sent.get("Authorization"), sent.get("Sign"))
        letter = Letter(
            sent.get("Content-Type"), sent.get("Accept"), headers, self.request.body, operation_id
        )
        await self.deliver(self._door.answer(self._method, letter))
