"""The one HTTP session: its address pinned, its time and its replies bounded, nothing repeated."""

import http.client
import io
import math
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_encoding_from_headers
from urllib3 import BaseHTTPResponse, Retry, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from worker.errors import (
    CallFailed,
    ConnectionBroken,
    ConnectionRefused,
    Redirected,
    ReplyTooLarge,
    ReplyUnreadable,
    TimedOut,
)
from worker.providers.connections import NotConnected, open_pool
from worker.providers.failures import (
    ConnectTimedOut,
    HandshakeFailed,
    NameUnresolved,
    OutsidePin,
)
from worker.providers.pin import Pin
from worker.providers.watchdog import Watchdog

REPLY_LIMIT: Final = 1024 * 1024
#: The most seconds that a `Retry-After` is believed.
LONGEST_RETRY_AFTER: Final = 86_400.0
_HEADERS: Final = {
    "Accept": "*/*",
    # Replies are small; what comes compressed all the same is read, within the limit.
    "Accept-Encoding": "identity",
    "User-Agent": "uprid-worker",
}
_NO_MORE: Final[Mapping[str, str]] = {}
#: What urllib3 takes for a body.
Body = bytes | str | Iterable[bytes] | None
_NEVER_AGAIN: Final = Retry(False, redirect=False)  # noqa: FBT003 -- urllib3's way to say "none at all"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a host answered."""

    status: int
    content_type: str | None
    #: Seconds.
    retry_after: float | None
    #: The `Date` header as it came.
    date: str | None
    body: bytes = field(repr=False)

    @property
    def sent_at(self) -> datetime | None:
        """The host's own clock when it answered; None where it did not say."""
        return _http_date(self.date)


class PinnedSession(requests.Session):
    """Talks to one base address and to nothing else.

    `exchange` is the short way for a plugin's own calls. What a library sends through `post` or
    `send` (zeep does) passes the same bounds.
    Every call raises `CallFailed`, and nothing else, for whatever a host can do to it. Calls may
    come from several threads. A call lasts `total_timeout` seconds at most, once the host's name
    is resolved and one of its addresses answers within `connect_timeout`.
    Sockets do not survive a fork: make the session in the process that uses it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float,
        read_timeout: float,
        total_timeout: float,
        threads: int,
        reply_limit: int = REPLY_LIMIT,
        ca_bundle: str | None = None,
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.headers = CaseInsensitiveDict(_HEADERS)
        self._pin = Pin.of(base_url)
        self._target = self._pin.path
        self._total = total_timeout
        self._reply_limit = reply_limit
        self._timeout = Timeout(connect=connect_timeout, read=read_timeout)
        self._watchdog = Watchdog(total_timeout)
        tls = _tls(ca_bundle) if self._pin.scheme == "https" else None
        self._pool = open_pool(self._pin, self._watchdog, threads, tls)
        self.adapters.clear()
        for scheme in ("https://", "http://"):
            self.mount(scheme, _PinnedAdapter(self))

    def exchange(
        self, body: bytes, content_type: str, headers: Mapping[str, str] = _NO_MORE
    ) -> Reply:
        """POST to the base address and read the whole reply, whatever its status."""
        reply = self._reply("POST", body, {**_HEADERS, "Content-Type": content_type, **headers})
        _refuse_redirect(reply.status)
        return reply

    def exchange_at(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] = _NO_MORE,
    ) -> Reply:
        """Make a request below the base address and read the whole reply, whatever its status.

        `path` begins with a slash and is percent-encoded already; one that leads out of the base
        address raises `OutsidePin`.
        """
        target = self._pin.below(path)
        if target is None:
            raise OutsidePin
        typed = {} if content_type is None else {"Content-Type": content_type}
        reply = self._reply(method, body, {**_HEADERS, **typed, **headers}, target)
        _refuse_redirect(reply.status)
        return reply

    def probe(self) -> Reply:
        """GET the base address without anything of ours; even a redirect is an answer."""
        return self._reply("GET", None, _HEADERS)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a prepared request within the pin and the bounds; the caller's own are ignored."""
        kwargs.update(allow_redirects=False, proxies={}, cert=None)
        return super().send(request, **kwargs)

    def close(self) -> None:
        """Close every connection."""
        super().close()
        self._pool.close()
        self._watchdog.stop()

    def _reply(
        self, method: str, body: bytes | None, headers: Mapping[str, str], target: str | None = None
    ) -> Reply:
        raw, content = self.call(method, target or self._target, body, headers)
        said = raw.headers
        return Reply(
            status=raw.status,
            content_type=said.get("Content-Type"),
            retry_after=_retry_after(said.get("Retry-After"), said.get("Date")),
            date=said.get("Date"),
            body=content,
        )

    def call(
        self, method: str, target: str, body: Body, headers: Mapping[str, str]
    ) -> tuple[BaseHTTPResponse, bytes]:
        """Make one request to the pinned host; return the reply's head and its whole body.

        `target` is a path of the host and has been held against the pin.
        """
        began = time.monotonic()
        try:
            raw = self._pool.urlopen(
                method,
                target,
                body=body,
                headers=headers,
                retries=_NEVER_AGAIN,
                redirect=False,
                timeout=self._timeout,
                preload_content=False,
            )
            content = self._read(raw)
        except NotConnected as error:
            raise _not_connected(error) from None
        except (HTTPError, OSError, http.client.HTTPException) as error:
            # `from None`: a broken status line is quoted in the error's text, and may be anything.
            raise self._broken(error, began) from None
        if time.monotonic() - began >= self._total:
            # Cut off: where the reply's end is the connection's end, it looks whole.
            raise TimedOut
        return raw, content

    def holds(self, url: str | None) -> bool:
        """Tell whether an address may be talked to."""
        return url is not None and self._pin.covers(url)

    def _read(self, raw: BaseHTTPResponse) -> bytes:
        """Read the whole body, decompressed; one that is not wholly read costs its connection."""
        try:
            content = raw.read(self._reply_limit + 1, decode_content=True)
        except DecodeError:
            raw.close()
            raise
        if len(content) > self._reply_limit:
            raw.close()
            limit = f"({self._reply_limit} bytes)"
            raise ReplyTooLarge(limit)
        return content

    def _broken(self, error: Exception, began: float) -> CallFailed:
        if isinstance(error, ReadTimeoutError) or time.monotonic() - began >= self._total:
            return TimedOut()
        if isinstance(error, DecodeError):
            return ReplyUnreadable("(compression)")
        return ConnectionBroken(f"({type(error).__name__})")


class _PinnedAdapter(BaseAdapter):
    """Carries what a library sends through the session over the same pool and bounds."""

    def __init__(self, session: PinnedSession) -> None:
        super().__init__()
        self._session = session

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **_options: Any
    ) -> requests.Response:
        """Send; timeouts, proxies, certificates and streaming are the session's to decide."""
        if not self._session.holds(request.url):
            raise OutsidePin
        headers = {str(name): str(value) for name, value in request.headers.items()}
        raw, content = self._session.call(
            request.method or "GET", request.path_url, request.body, headers
        )
        _refuse_redirect(raw.status)
        return _as_response(request, raw, content)

    def close(self) -> None:
        """Do nothing: the pool is the session's."""


def _as_response(
    request: requests.PreparedRequest, raw: BaseHTTPResponse, content: bytes
) -> requests.Response:
    response = requests.Response()
    response.status_code = raw.status
    response.headers = CaseInsensitiveDict(raw.headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.reason = raw.reason or ""
    response.url = request.url or ""
    response.request = request
    # Read and decompressed already, within the limit.
    response.raw = io.BytesIO(content)
    return response


def _tls(ca_bundle: str | None) -> ssl.SSLContext:
    """Return one context for all connections: to load the authorities takes milliseconds."""
    return ssl.create_default_context(cafile=ca_bundle or DEFAULT_CA_BUNDLE_PATH)


def _not_connected(error: NotConnected) -> ConnectionRefused:
    cause = error.__cause__
    detail = f"({type(cause).__name__})"
    if isinstance(cause, NameResolutionError):
        return NameUnresolved(detail)
    if isinstance(cause, NewConnectionError):  # A kind of ConnectTimeoutError to urllib3.
        return ConnectionRefused(detail)
    if isinstance(cause, ConnectTimeoutError | TimeoutError):
        return ConnectTimedOut(detail)
    return HandshakeFailed(detail)


def _refuse_redirect(status: int) -> None:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        said = f"(HTTP {status})"
        raise Redirected(said)


def _retry_after(value: str | None, date: str | None) -> float | None:
    """Read seconds or an HTTP date (RFC 9110, 10.2.3), a date by the host's own clock."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        seconds = float(value)
    else:
        until = _http_date(value)
        if until is None:
            return None
        seconds = (until - (_http_date(date) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None


def _http_date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
