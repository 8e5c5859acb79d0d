"""SOAP 1.1: zeep writes the messages and the pinned session carries them.

Replies are handed out as they came. zeep's own reading is no use here: strict, it refuses a reply
for one new element; lax, it silently turns into None what follows it.
"""

import io
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import zeep
from lxml import etree
from zeep.wsse.username import UsernameToken

from worker.providers.failures import OutsidePin
from worker.providers.http import PinnedSession, Reply

CONTENT_TYPE: Final = "text/xml;charset=UTF-8"
_ACTION: Final = {"SOAPAction": '""'}
#: The largest `xsd:long`: no id that a provider ever gives out.
_PLACE: Final = 2**63 - 1


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
            transport=_Carrier(session),
            settings=zeep.Settings(
                strict=True, forbid_dtd=True, forbid_external=True, raw_response=True
            ),
        )
        self._service = self._client.create_service(binding, url)

    def call(self, operation: str, **members: Any) -> Reply:
        """Have zeep write a message and send it."""
        reply: Reply = self._service[operation](**members)
        return reply

    def numbered(self, operation: str, member: str) -> Numbered:
        """Return the message of an operation that takes one number, written once for all of them.

        zeep takes 100 µs to write it anew, three times what it takes to read the reply.
        """
        message = self._client.create_message(self._service, operation, **{member: _PLACE})
        # The last: a password may hold any digits, but the body comes after the header.
        head, _, tail = _written(message).rpartition(str(_PLACE).encode())
        return Numbered(head, tail)

    def send(self, message: bytes) -> Reply:
        """Send a message that is written already."""
        return self._session.exchange(message, CONTENT_TYPE, _ACTION)


class _Carrier:
    """What zeep takes for its transport.

    Not a kind of `zeep.Transport`: that mounts an adapter for files on the session, changes its
    headers, and logs whole bodies, with the password, where DEBUG is on.
    """

    def __init__(self, session: PinnedSession) -> None:
        self._session = session

    def post_xml(self, address: str, envelope: etree._Element, headers: dict[str, str]) -> Reply:
        """Send what zeep has written; with `raw_response` zeep returns what this returns."""
        if not self._session.holds(address):
            raise OutsidePin
        action = {"SOAPAction": headers["SOAPAction"]}
        return self._session.exchange(_written(envelope), CONTENT_TYPE, action)

    def load(self, _url: str) -> NoReturn:
        """Refuse to fetch what a WSDL would import."""
        raise OutsidePin


def _written(envelope: etree._Element) -> bytes:
    written: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return written
