"""SOAP 1.1: zeep writes the messages and sends them, on the pinned session.

Replies are handed out as they came. zeep's own reading is no use here: strict, it refuses a reply
for one new element; lax, it silently turns into None what follows it.
"""

import io
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import requests
import zeep
from requests.structures import CaseInsensitiveDict
from zeep.wsdl.utils import etree_to_string
from zeep.wsse.username import UsernameToken

from worker.providers.transport.failures import OutsidePin
from worker.providers.transport.http import PinnedSession, Reply

CONTENT_TYPE: Final = "text/xml;charset=UTF-8"
_ACTION: Final = {"SOAPAction": '""'}
#: The largest `xsd:long`: no id that a provider ever gives out.
_PLACE: Final = 2**63 - 1
#: Never written to, at any level.
_SILENT: Final = logging.Logger("zeep on the pinned session", logging.CRITICAL + 1)  # noqa: LOG001 -- below no root


@dataclass(frozen=True, slots=True)
class Numbered:
    """A message that differs only in one number. It holds the password."""

    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)

    def of(self, number: int) -> bytes:
        """Return the message with this number."""
        return b"%s%d%s" % (self.head, number, self.tail)


class SoapService:
    """A service that a WSDL describes, bound to the session's address. Threads may share it.

    The WSDL's own address is never used, and nothing that it might import is ever loaded.
    Raises `CallFailed` where no reply came, and nothing else for what a host can do.
    """

    def __init__(
        self, wsdl: bytes, binding: str, url: str, session: PinnedSession, login: UsernameToken
    ) -> None:
        self._session = session
        self._client = zeep.Client(
            io.BytesIO(wsdl),
            wsse=login,
            transport=PinnedTransport(session),
            settings=zeep.Settings(
                strict=True, forbid_dtd=True, forbid_external=True, raw_response=True
            ),
        )
        self._service = self._client.create_service(binding, url)

    def call(self, operation: str, **members: Any) -> Reply:
        """Have zeep write a message and send it."""
        return Reply.of(self._service[operation](**members))

    def numbered(self, operation: str, member: str) -> Numbered:
        """Return the message of an operation that takes one number, written once for all of them.

        zeep takes 100 µs to write it anew, three times what it takes to read the reply.
        """
        message = self._client.create_message(self._service, operation, **{member: _PLACE})
        # The last: a password may hold any digits, but the body comes after the header.
        head, _, tail = etree_to_string(message).rpartition(str(_PLACE).encode())
        return Numbered(head, tail)

    def poll(self, message: bytes) -> Reply:
        """Ask what may be asked again and again, by a message that is written already."""
        return self._session.poll(message, CONTENT_TYPE, _ACTION)

    def poll_apart(self, message: bytes) -> Reply:
        """Ask the same on a connection of its own."""
        return self._session.exchange(message, CONTENT_TYPE, _ACTION)


class PinnedTransport(zeep.Transport):
    """zeep's own transport on the pinned session, which stays as it is.

    By itself it would mount an adapter for files there, call itself by another name to the host,
    and log whole bodies, with the password, where DEBUG is on.
    """

    def __init__(self, session: PinnedSession) -> None:
        adapters, headers = OrderedDict(session.adapters), CaseInsensitiveDict(session.headers)
        super().__init__(session=session)  # type: ignore[no-untyped-call]  # zeep has no types
        session.adapters, session.headers = adapters, headers
        self.logger = _SILENT

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> requests.Response:
        """Send what zeep has written; with `raw_response` zeep returns what this returns."""
        action = {"SOAPAction": headers["SOAPAction"]}
        named = {**action, "Content-Type": CONTENT_TYPE}
        sent: requests.Response = super().post(address, message, named)  # type: ignore[no-untyped-call]  # likewise
        return sent

    def load(self, _url: str) -> NoReturn:
        """Refuse to fetch what a WSDL would import."""
        raise OutsidePin
