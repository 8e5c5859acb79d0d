"""The finer kinds of a failed call, by which on-call engineers find the cause."""

from http import HTTPStatus

from worker.domain.errors import CallFailed, ConnectionRefused, ReplyUnreadable
from worker.domain.outcomes import Trouble


class NameUnresolved(ConnectionRefused):
    """The host's name could not be resolved: nothing was sent."""

    note = "name not resolved"


class ConnectTimedOut(ConnectionRefused):
    """No connection was made within the time limit: nothing was sent."""

    note = "connect timed out"


class HandshakeFailed(ConnectionRefused):
    """The TLS handshake failed: nothing was sent."""

    note = "tls handshake failed"


class SpokeUnasked(ConnectionRefused):
    """The host said something before it was asked: nothing was sent."""

    note = "spoke before it was asked"


class CertificateUntrusted(HandshakeFailed):
    """The host's certificate is of no authority that is believed: nothing was sent."""

    note = "certificate not trusted"


class CertificateExpired(HandshakeFailed):
    """The host's certificate, or one above it, has expired: nothing was sent."""

    note = "certificate expired"


class CertificateTooNew(HandshakeFailed):
    """The host's certificate is not valid yet by this host's clock: nothing was sent."""

    note = "certificate not valid yet"


class CertificateOfAnother(HandshakeFailed):
    """The host's certificate is another host's: nothing was sent."""

    note = "certificate of another host"


class ClientCertificateWanted(HandshakeFailed):
    """The host wants a client certificate, and broke the handshake off: nothing reached it."""

    note = "client certificate wanted"


class HandshakeRefused(HandshakeFailed):
    """The host broke the handshake off and did not say why: nothing was sent."""

    note = "tls handshake refused"


class ClientCertificateRefused(CallFailed):
    """The host does not take our client certificate."""

    note = "client certificate refused"


class ProxyUnreachable(ConnectionRefused):
    """No connection to the proxy could be made: nothing was sent."""

    note = "proxy unreachable"


class ProxyUnusable(ConnectionRefused):
    """The proxy broke off, or answered what is no HTTP: nothing was sent."""

    note = "proxy unusable"


class ProxyTimedOut(ConnectTimedOut):
    """The proxy made no tunnel within the time limit: nothing was sent."""

    note = "proxy timed out"


class ProxyRefused(ConnectionRefused):
    """The proxy made no tunnel to the host: nothing was sent."""

    def __init__(self, status: int) -> None:
        super().__init__(f"(HTTP {status})")
        self.status = status
        self.note = f"proxy refused, http {status}"


class OutsidePin(CallFailed):
    """The request's address lies outside the pinned base address: nothing was sent."""

    never_sent = True
    note = "outside the pinned address"


class BadStatus(CallFailed):
    """The status says failure, and the body does not say which."""

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"(HTTP {status})", retry_after)
        self.status = status
        self.note = f"http {status}"

    @property
    def is_about_the_request(self) -> bool:
        """Whether the status speaks of the request (4xx) and not of the host's health."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR


class FaultWithoutCode(ReplyUnreadable):
    """The reply is a fault, and does not say which."""

    note = "fault without a code"


class Unavailable(BadStatus):
    """The host says that it cannot serve just now."""


class Throttled(Unavailable):
    """We are too fast: the host did not process the request."""

    never_sent = True


def bad_status(status: int, retry_after: float | None) -> BadStatus:
    """Return the failure that a status without a readable body stands for.

    429 alone promises that nothing was done (RFC 6585); a 503 may come from a proxy after the
    request was passed on.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(status, retry_after)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unavailable(status, retry_after)
    return BadStatus(status, retry_after)


def trouble_of(failure: CallFailed) -> Trouble:
    """Return what a failed call says of the provider's health."""
    return Trouble.UNAVAILABLE if isinstance(failure, Unavailable) else Trouble.TRANSPORT
