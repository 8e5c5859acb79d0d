"""TLS to a provider: who is believed, and why a handshake failed."""

import ssl
from collections.abc import Mapping
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from config.pem import certificates_in
from worker.domain.errors import CallFailed
from worker.providers.transport.failures import (
    CertificateExpired,
    CertificateOfAnother,
    CertificateTooNew,
    CertificateUntrusted,
    ClientCertificateRefused,
    ClientCertificateWanted,
    HandshakeFailed,
    HandshakeRefused,
)
from worker.providers.transport.network import Network

#: OpenSSL's numbers (`X509_V_ERR_…`); every other means that no believed authority signed it.
_BY_CODE: Final[Mapping[int, type[HandshakeFailed]]] = {
    9: CertificateTooNew,
    10: CertificateExpired,
    62: CertificateOfAnother,
    64: CertificateOfAnother,
}
_WANTED: Final = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
_REFUSED: Final = "SSLV3_ALERT_HANDSHAKE_FAILURE"
#: What a server says of a client's certificate and of nothing else.
_OF_OUR_CERTIFICATE: Final = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_DECRYPT_ERROR",
    }
)


def context_of(network: Network) -> ssl.SSLContext:
    """Return one context for all connections: to load the authorities takes milliseconds.

    Made by hand: `ssl.create_default_context` writes the keys of every connection to the file that
    the environment names, and judges a company's authority differently from Python to Python.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # An authority between may be given without the one above it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    for path in network.authorities:
        context.load_verify_locations(cadata=certificates_in(path))
    if network.client_cert is not None:
        context.load_cert_chain(network.client_cert, network.client_key, password=lambda: b"")
    return context


def why_no_handshake(error: ssl.SSLError) -> CallFailed:
    """Return why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_CODE.get(error.verify_code, CertificateUntrusted)()
    if error.reason == _WANTED:
        return ClientCertificateWanted()
    if error.reason == _REFUSED:
        return HandshakeRefused()
    if error.reason in _OF_OUR_CERTIFICATE:
        # In the handshake proper, so that nothing was sent.
        refused = ClientCertificateRefused()
        refused.never_sent = True
        return refused
    return HandshakeFailed(f"({type(error).__name__})")


def why_broken_off(error: BaseException) -> CallFailed | None:
    """Return why a server broke off once our part of the handshake was done; None: not for that.

    In TLS 1.3 a client has sent its request by the time that its certificate, or none, is refused.
    That there is none breaks off the handshake itself (RFC 8446, 4.4.2.4), so that no server can
    have read what followed; what it says of a certificate that is there it may say later, too.
    """
    if not isinstance(error, ssl.SSLError):
        return None
    if error.reason == _WANTED:
        return ClientCertificateWanted()
    return ClientCertificateRefused() if error.reason in _OF_OUR_CERTIFICATE else None
