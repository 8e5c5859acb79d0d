"""What carries every request of a session: `requests`' own adapter over the pinned host's pool."""

import http.client
import time
from datetime import timedelta
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.exceptions import RequestException
from requests.utils import get_encoding_from_headers
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Retry, Timeout
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from worker.domain.errors import (
    CallFailed,
    ConnectionBroken,
    Redirected,
    ReplyTooLarge,
    ReplyUnreadable,
    TimedOut,
)
from worker.providers.transport.connections import GuardedConnection
from worker.providers.transport.failures import OutsidePin
from worker.providers.transport.pin import Pin
from worker.providers.transport.tls import why_broken_off

_NEVER_AGAIN: Final = Retry(False, redirect=False)  # noqa: FBT003 -- urllib3's way to say "none at all"
_UNMEASURED: Final = timedelta(0)
_REDIRECTS: Final = range(300, 400)


class Received(requests.Response):
    """A whole reply."""

    #: It came first on its connection, so that it can be no other call's.
    is_first = False
    #: The connection that it came on, where that is known.
    carrier: GuardedConnection | None = None


class PinnedAdapter(HTTPAdapter):
    """Sends each request once, to the pinned host, and reads its reply within the bounds.

    Timeouts, authorities, certificates and proxies that a caller asks for are not looked at. Raises
    `CallFailed`, and nothing else, for all that a host can do.
    """

    def __init__(
        self,
        pin: Pin,
        pool: HTTPConnectionPool,
        timeout: Timeout,
        *,
        total_timeout: float,
        reply_limit: int,
    ) -> None:
        # It makes a manager of pools, which stays empty.
        super().__init__(max_retries=_NEVER_AGAIN)
        self._pin = pin
        self._base = pin.url
        self._pool = pool
        self.timeout = timeout
        self._total = total_timeout
        self._reply_limit = reply_limit
        self._no_cookies = RequestsCookieJar()

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **_options: Any
    ) -> requests.Response:
        """Send a request and return its whole reply; a redirect is none."""
        response = self.answer(request)
        if response.status_code in _REDIRECTS:
            status = f"(HTTP {response.status_code})"
            raise Redirected(status)
        return response

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Do the same, and take a redirect for an answer."""
        # The base itself, which every poll asks, needs not be taken apart.
        if request.url != self._base and not self._pin.covers(request.url or ""):
            raise OutsidePin
        began = time.monotonic()
        try:
            response = super().send(request, timeout=self.timeout)  # type: ignore[arg-type]  # taken, and not said
        except (HTTPError, OSError, http.client.HTTPException) as error:
            # `from None`: a broken status line is quoted in the error's text, and may be anything.
            raise self._broken(error, began) from None
        if time.monotonic() - began >= self._total:
            # Cut off: where the reply's end is the connection's end, it looks whole.
            raise TimedOut
        return response

    def get_connection_with_tls_context(self, *_args: Any, **_options: Any) -> HTTPConnectionPool:
        """Return the one pool."""
        return self._pool

    def cert_verify(self, *_args: Any, **_options: Any) -> None:
        """Leave the pool's own context in force."""

    def request_url(self, request: requests.PreparedRequest, _proxies: object) -> str:
        """Return the path: the proxy, where there is one, is asked for a tunnel."""
        return request.path_url

    def build_response(
        self, req: requests.PreparedRequest, resp: BaseHTTPResponse
    ) -> requests.Response:
        """Read the body and return the whole reply, without its cookies."""
        # Asked for before the body is read: its end lets go of the connection.
        carrier = resp.connection if isinstance(resp.connection, GuardedConnection) else None
        is_first = carrier is not None and carrier.calls == 1
        # As out of a pickle, where it is whole: read, decompressed, and within the limit. To make
        # one that is still to be read, and to copy its headers, is a tenth of what a poll costs.
        response = Received.__new__(Received)
        response.__setstate__(  # type: ignore[attr-defined]  # not in its stub
            {
                "_content": self._read(resp),
                "status_code": resp.status,
                "url": req.url or "",
                # Of the same behaviour.
                "headers": resp.headers,
                "history": [],
                "encoding": get_encoding_from_headers(resp.headers),
                "reason": resp.reason or "",
                "cookies": self._no_cookies,
                "elapsed": _UNMEASURED,
                "request": req,
            }
        )
        response.is_first = is_first
        response.carrier = carrier
        return response

    def close(self) -> None:
        """Close every connection."""
        super().close()
        self._pool.close()

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
        cause = _cause(error)
        if isinstance(cause, ReadTimeoutError) or time.monotonic() - began >= self._total:
            return TimedOut()
        if isinstance(cause, DecodeError):
            return ReplyUnreadable("(compression)")
        return why_broken_off(_innermost(cause)) or ConnectionBroken(f"({type(cause).__name__})")


def _cause(error: Exception) -> Exception:
    """Return what `requests` has wrapped."""
    wrapped = error.args[0] if isinstance(error, RequestException) and error.args else None
    return wrapped if isinstance(wrapped, Exception) else error


def _innermost(error: Exception) -> BaseException:
    """Return what urllib3 has wrapped: the last of what it was made with."""
    last = error.args[-1] if error.args else None
    return last if isinstance(last, BaseException) else error
