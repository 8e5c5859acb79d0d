"""The one HTTP session: its address pinned, its time and its replies bounded, nothing repeated."""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, Self

import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import Timeout

from worker.domain.errors import CallFailed
from worker.providers.transport.adapter import PinnedAdapter, Received
from worker.providers.transport.connections import GuardedConnection
from worker.providers.transport.failures import OutsidePin
from worker.providers.transport.network import Network
from worker.providers.transport.pin import Pin
from worker.providers.transport.pools import apart_from, hear_out, open_pool
from worker.providers.transport.tls import context_of
from worker.providers.transport.watchdog import Watchdog

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
    #: It came first on its connection, so that it can be no other call's.
    is_first: bool = True
    carrier: GuardedConnection | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, response: requests.Response) -> Self:
        """Return what is looked at of a response."""
        headers = response.headers
        received = response if isinstance(response, Received) else None
        date = headers.get("Date")
        return cls(
            status=response.status_code,
            content_type=headers.get("Content-Type"),
            retry_after=_retry_after(headers.get("Retry-After"), date),
            date=date,
            body=response.content,
            is_first=received is not None and received.is_first,
            carrier=None if received is None else received.carrier,
        )

    def distrust(self) -> None:
        """Let its connection carry no further call: this may be another call's reply."""
        if self.carrier is not None:
            self.carrier.distrust()

    @property
    def sent_at(self) -> datetime | None:
        """The host's own clock when it answered; None where it did not say."""
        return _http_date(self.date)


class _Question(NamedTuple):
    """A request that is asked again with other bodies."""

    alike: tuple[str, Mapping[str, str]]
    request: requests.PreparedRequest


class PinnedSession(requests.Session):
    """Talks to one base address and to nothing else.

    What costs or has an effect, or whose reply names nothing of its request, goes the ordinary way
    of a session (`exchange`, `exchange_at`, and zeep's `post`), each call on a connection of its
    own. A harmless question that is asked again and again (`poll`, `poll_at`) is prepared here and
    handed to an adapter that keeps its connections. Either way `PinnedAdapter` carries it.
    Every call raises `CallFailed`, and nothing else, for anything that a host can do. Calls may
    come from several threads. A call lasts `total_timeout` seconds at most, once the host's name,
    or the proxy's, is resolved and one of its addresses answers within `connect_timeout`.
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
        network: Network | None = None,
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.headers = CaseInsensitiveDict(_HEADERS)
        network = network or Network()
        self._pin = Pin.of(base_url)
        self._url = self._pin.url
        self._last = threading.local()
        self._watchdog = Watchdog(total_timeout)
        tls = context_of(network) if self._pin.scheme == "https" else None
        self._pool = open_pool(self._pin, self._watchdog, threads, tls, network.proxy)
        self._timeout = Timeout(connect=connect_timeout, read=read_timeout)
        self._asking, apart = (
            PinnedAdapter(
                self._pin,
                pool,
                self._timeout,
                total_timeout=total_timeout,
                reply_limit=reply_limit,
            )
            for pool in (self._pool, apart_from(self._pool))
        )
        self.adapters.clear()
        for scheme in ("https://", "http://"):
            self.mount(scheme, apart)

    def exchange(
        self, body: bytes, content_type: str, headers: Mapping[str, str] = _NO_MORE
    ) -> Reply:
        """POST to the base address and return the whole reply, with any status."""
        named = {"Content-Type": content_type, **headers}
        return Reply.of(self.request("POST", self._url, data=body, headers=named))

    def exchange_at(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] = _NO_MORE,
    ) -> Reply:
        """Make a request below the base address and return the whole reply, with any status.

        `path` begins with a slash and is percent-encoded already; one that leads out of the base
        address raises `OutsidePin`.
        """
        typed = {} if content_type is None else {"Content-Type": content_type}
        url = self._below(path)
        return Reply.of(self.request(method, url, data=body, headers={**typed, **headers}))

    def poll(self, body: bytes, content_type: str, headers: Mapping[str, str] = _NO_MORE) -> Reply:
        """Ask what may be asked again and again, by a POST to the base address.

        A reply that neither names what was asked nor `is_first` may be another call's.
        """
        asked = self._question(content_type, headers)
        asked.body = body
        asked.headers["Content-Length"] = str(len(body))
        return Reply.of(self._asking.send(asked))

    def poll_at(self, path: str, headers: Mapping[str, str] = _NO_MORE) -> Reply:
        """Ask likewise, by a GET below the base address."""
        asked = _prepared("GET", self._below(path), {**_HEADERS, **headers})
        return Reply.of(self._asking.send(asked))

    def probe(self) -> Reply:
        """GET the base address without anything of ours; even a redirect is an answer."""
        return Reply.of(self._asking.answer(_prepared("GET", self._url, _HEADERS)))

    def listen(self) -> CallFailed | None:
        """Connect, send nothing, and return the error that the host sends at once."""
        return hear_out(self._pool, self._timeout) if self._pin.scheme == "https" else None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a prepared request within the pin and the bounds; the caller's own are ignored."""
        kwargs.update(allow_redirects=False, proxies={}, cert=None)
        return super().send(request, **kwargs)

    def close(self) -> None:
        """Close every connection."""
        super().close()
        self._asking.close()
        self._watchdog.stop()

    def _question(self, content_type: str, headers: Mapping[str, str]) -> requests.PreparedRequest:
        """Return the request that this thread asked last, where only the body may differ.

        To prepare one anew is a tenth of what a poll costs.
        """
        last: _Question | None = getattr(self._last, "question", None)
        if last is not None and last.alike == (content_type, headers):
            return last.request
        named = {**_HEADERS, "Content-Type": content_type, **headers}
        made = _Question((content_type, headers), _prepared("POST", self._url, named))
        self._last.question = made
        return made.request

    def _below(self, path: str) -> str:
        url = self._pin.below(path)
        if url is None:
            raise OutsidePin
        return url


def _prepared(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> requests.PreparedRequest:
    """Return a request without cookies, hooks and checks of what is known to be sound."""
    prepared = requests.PreparedRequest()
    prepared.method = method
    prepared.url = url
    # Every name in one writing: to copy the dict that minds none is a twentieth of a poll.
    prepared.headers = dict(headers)  # type: ignore[assignment]
    prepared.body = body
    return prepared


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
