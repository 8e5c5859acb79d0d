"""Sends callbacks and notifications: once, unauthenticated, and on loopback only."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httputil import url_concat
from tornado.ioloop import IOLoop

from uprid_sandbox.answers import JSON_TYPE

#: Takes the client's address, the task's id and the seconds from now. The address is well-formed.
Bell = Callable[[str, int, float], None]

#: Seconds. A message that waits behind others for one of the client's few connections counts, too,
#: and what is sent once is not to be lost because the machine is busy.
_PATIENCE: Final = 60.0


def stay_silent(_url: str, _async_id: int, _after: float) -> None:
    """Make no call."""


def ring(url: str, async_id: int, after: float) -> None:
    """Send `GET url?asyncId=…` after so many seconds; a sandbox talks to no other machine."""
    if is_loopback(url):
        address = url_concat(url, {"asyncId": str(async_id)})
        IOLoop.current().call_later(after, _call, HTTPRequest(address))


def send(url: str, body: bytes, after: float) -> None:
    """Send `POST url` with a JSON body after so many seconds; to no other machine either."""
    if is_loopback(url):
        headers = {"Content-Type": JSON_TYPE}
        request = HTTPRequest(url, method="POST", headers=headers, body=body)
        IOLoop.current().call_later(after, _call, request)


def is_loopback(url: str) -> bool:
    """Return whether the address is a number of this machine's own: names are not looked up."""
    try:
        return ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


async def _call(request: HTTPRequest) -> None:
    client = AsyncHTTPClient()
    # A redirect could lead away from this machine.
    request.follow_redirects = False
    request.connect_timeout = request.request_timeout = _PATIENCE
    try:
        await client.fetch(request)
    except (OSError, HTTPClientError):
        # The client's trouble: it polls all the same.
        return
