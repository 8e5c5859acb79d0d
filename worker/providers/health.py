"""What `uprid doctor` finds of a provider's host."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from worker.domain.errors import CallFailed, ConnectionBroken
from worker.domain.outcomes import Pending
from worker.providers.protocol import Finding
from worker.providers.transport.failures import (
    CertificateExpired,
    CertificateOfAnother,
    CertificateTooNew,
    CertificateUntrusted,
    ClientCertificateRefused,
    ClientCertificateWanted,
    HandshakeRefused,
    NameUnresolved,
    ProxyRefused,
    ProxyTimedOut,
    ProxyUnreachable,
    ProxyUnusable,
    bad_status,
    trouble_of,
)
from worker.providers.transport.http import PinnedSession, Reply

#: The host did not process the request.
_TOO_SOON: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})
_CLOCK_TOLERANCE: Final = timedelta(seconds=60)
#: What to do about this host's settings.
_ADVICE: Final[Mapping[type[CallFailed], str]] = {
    CertificateUntrusted: "put its authority's certificate into {block}CA_BUNDLE",
    CertificateExpired: "the host must renew it; or look at this host's clock",
    CertificateTooNew: "look at this host's clock",
    CertificateOfAnother: "look at {block}URL, and at what the name resolves to",
    ClientCertificateWanted: "set {block}CLIENT_CERT and {block}CLIENT_KEY",
    ClientCertificateRefused: "look at {block}CLIENT_CERT: another may be registered there",
    HandshakeRefused: (
        "it may want a client certificate ({block}CLIENT_CERT, {block}CLIENT_KEY), or speak only "
        "ciphers that OpenSSL does not have"
    ),
    NameUnresolved: "look at {block}URL, and at this host's name servers",
    ProxyUnreachable: "look at {block}PROXY, and whether the proxy runs",
    ProxyTimedOut: "look at {block}PROXY, and whether the proxy reaches the host",
    ProxyUnusable: "look at {block}PROXY: is that an HTTP proxy that takes CONNECT?",
}
_OF_PROXIES: Final[Mapping[int, str]] = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "look at the name and password in {block}PROXY",
    HTTPStatus.FORBIDDEN: "have the proxy allow CONNECT to the host and port of {block}URL",
}


def look(ask: Callable[[], Reply]) -> Pending:
    """Ask whether the host serves; only the status of its reply is looked at."""
    try:
        reply = ask()
    except CallFailed as failure:
        return Pending(failure.note, trouble_of(failure), failure.retry_after)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status in _TOO_SOON:
        failed = bad_status(reply.status, reply.retry_after)
        return Pending(failed.note, trouble_of(failed), failed.retry_after)
    return Pending(f"answers with http {reply.status}")


def check_host(name: str, session: PinnedSession) -> list[Finding]:
    """Check that the host answers at all, and that its clock agrees with ours.

    Sends no credentials, and nothing that is billed. The clock is not checked where the reply has
    no date.
    """
    try:
        reply = session.probe()
    except CallFailed as failure:
        found = _reason(failure, session)
        return [Finding(f"{name} host", ok=False, detail=_describe(found, name))]
    answered = _answered(name, reply.status)
    theirs = reply.sent_at
    if theirs is None:
        return [answered]
    apart = abs(datetime.now(UTC) - theirs)
    detail = f"{apart.total_seconds():.0f} s apart"
    return [answered, Finding(f"{name} clock", apart <= _CLOCK_TOLERANCE, detail)]


def _answered(name: str, status: int) -> Finding:
    detail = f"answers with http {status}"
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Finding(f"{name} host", ok=True, detail=detail)
    # A gateway answers so whose service is away. But a service for POST alone may, too.
    detail += ": the provider's service may be down behind its gateway"
    return Finding(f"{name} host", ok=True, detail=detail, is_warning=True)


def _reason(failure: CallFailed, session: PinnedSession) -> CallFailed:
    """Return why a connection broke, where the host says so on one that sends nothing.

    What a host says as it refuses our certificate may be lost under the request that it no longer
    reads.
    """
    if not isinstance(failure, ConnectionBroken):
        return failure
    return session.listen() or failure


def _describe(failure: CallFailed, name: str) -> str:
    advice = _ADVICE.get(type(failure))
    if isinstance(failure, ProxyRefused):
        advice = _OF_PROXIES.get(failure.status, "does the proxy reach the host of {block}URL?")
    if advice is None:
        return failure.note
    return f"{failure.note}: {advice.format(block=f'UPRID_{name.upper()}__')}"
