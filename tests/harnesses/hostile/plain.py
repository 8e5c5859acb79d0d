"""The transport alone: the session that every provider's client uses.

A client compares ids, and would hide that the transport returned the reply to another call.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from random import Random
from typing import Final

from tests.harnesses.hostile.mischief import Own
from worker.domain.errors import CallFailed
from worker.providers.transport.http import PinnedSession, Reply

PROVIDER: Final = "transport"
_TEXT: Final = "text/plain"
_TIMES: Final = {"connect_timeout": 3.0, "read_timeout": 3.0, "total_timeout": 3.0}


@dataclass(frozen=True, slots=True)
class Got:
    """What a call returned; None if it failed."""

    body: bytes | None = field(repr=False)
    status: int = 0
    is_first: bool = field(default=True, compare=False)


class Plain:
    """A session, and the ways to make a call with it."""

    def __init__(self) -> None:
        self.session = PinnedSession("http://127.0.0.1:1", **_TIMES, threads=2)  # type: ignore[arg-type]

    def way(self, random: Random, person: int) -> tuple[str, Callable[[], Reply]]:
        """Return one way to make a call. Half of the calls use kept connections."""
        asked, session = b"about person %d" % person, self.session
        ways: list[tuple[str, Callable[[], Reply]]] = [
            ("poll", partial(session.poll, asked, _TEXT)),
            ("poll-at", partial(session.poll_at, f"/{person}")),
            ("poll", partial(session.poll, asked, _TEXT)),
            ("exchange", partial(session.exchange, asked, _TEXT)),
            ("exchange-at", partial(session.exchange_at, "PUT", f"/{person}", asked, _TEXT)),
        ]
        return random.choice(ways)


def got(ask: Callable[[], Reply]) -> Got:
    """Make the call."""
    try:
        reply = ask()
    except CallFailed:
        return Got(None)
    return Got(reply.body, reply.status, reply.is_first)


def reply_to(person: int) -> Own:
    """Return a reply that begins with its person's number."""
    return Own(200, b"%d is whose it is. " % person * 8)


def wrongs(own: Own, result: Got) -> Iterator[str]:
    """Find what is wrong with the result of a call."""
    if 0 < result.status < HTTPStatus.OK:
        yield "interim: one that another is to follow counts"
    # A part of the reply, or more than it, is still the call's own.
    body = own.body if result.body is None else result.body
    if not (own.body.startswith(body) or body.startswith(own.body)):
        yield "leak: another call's reply"
