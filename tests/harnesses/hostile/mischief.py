"""What a host may write before, between and behind replies on one connection.

Each function takes the honest reply and the reply to another call, the stray one. It returns what
is written, and when. The first piece for a request is always its own reply or a part of it:
anything else in its place would be the host's answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Final

from tests.harnesses.hostile.broken_wires import head, honest
from tests.harnesses.hostile.connection import Moment, Step


@dataclass(frozen=True, slots=True)
class Own:
    """The honest reply to a request."""

    status: int
    body: bytes = field(repr=False)

    @property
    def wire(self) -> bytes:
        return honest(self.status, self.body).wire


#: Returns the steps for a request, of its own reply and the bytes of a stray one.
Mischief = Callable[[Random, Own, bytes], Sequence[Step]]

#: Moments at which unasked bytes may arrive.
_LATER: Final = (
    Moment.AT_ONCE, Moment.LOOKED, Moment.BETWEEN, Moment.BETWEEN, Moment.NEXT, Moment.NEXT,
)  # fmt: skip
_REST: Final = (Moment.BETWEEN, Moment.NEXT)
_QUIET: Final = (Moment.PAUSE, Moment.SILENCE)
_LINES: Final = (
    b"100 Continue", b"102 Processing", b"103 Early Hints", b"103", b"199 Soon",
)  # fmt: skip
_HEADS: Final = (
    b"", b"", b"Link: </a>; rel=preload\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"X: a\r\n" * 300,
    b"no colon\r\n", b"Content-Type: text/xml\r\n",
)  # fmt: skip


def _interims(random: Random) -> list[bytes]:
    return [
        b"HTTP/1.1 " + random.choice(_LINES) + b"\r\n" + random.choice(_HEADS) + b"\r\n"
        for _ in range(random.choice((1, 1, 1, 2, 5)))
    ]


def _unasked(random: Random, piece: bytes, moments: Sequence[Moment] = _LATER) -> Step:
    return Step(random.choice(moments), piece, spoils=True)


def interim(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send interim replies, and then the reply."""
    del stray
    pieces = [*_interims(random), own.wire]
    return [Step(random.choice((Moment.AT_ONCE, Moment.WANTED)), each) for each in pieces]


def interim_and_silence(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send interim replies, and the reply after the call was given up."""
    del stray
    steps = [Step(Moment.AT_ONCE, each) for each in _interims(random)]
    return [*steps, Step(random.choice(_QUIET)), _unasked(random, own.wire, _REST)]


def interim_torn(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send an interim reply in two pieces. Sometimes the second piece comes too late."""
    del stray
    [first, *_] = _interims(random)
    at = random.randint(1, len(first) - 1)
    begun = Step(Moment.AT_ONCE, first[:at])
    if random.random() < 0.5:
        return [begun, Step(Moment.WANTED, first[at:]), Step(Moment.WANTED, own.wire)]
    rest = _unasked(random, first[at:] + own.wire, _REST)
    return [begun, Step(random.choice(_QUIET)), rest]


def interim_behind(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send interim replies after the reply. Sometimes a stray reply follows."""
    behind = b"".join(_interims(random)) + random.choice((b"", stray))
    return [Step(Moment.AT_ONCE, own.wire), _unasked(random, behind)]


def another_protocol(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Switch to another protocol although the request did not offer it."""
    del stray
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
    return [Step(Moment.AT_ONCE, switch), _unasked(random, own.wire)]


def surplus(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send more bytes than declared."""
    cut = random.randint(1, len(stray) - 1)
    more = random.choice(
        (b"\0", b"\r\n", b"x" * 20_000, stray[:cut], stray[cut:], b"HTTP/1.1 200 OK\r\n\r\n", b"{}")
    )
    return [Step(Moment.AT_ONCE, own.wire), _unasked(random, more)]


def second_reply(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Let a stray reply follow."""
    return [Step(Moment.AT_ONCE, own.wire), _unasked(random, stray)]


def second_reply_torn(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Let a stray reply follow in two pieces."""
    at = random.randint(1, len(stray) - 1)
    first, second = random.choice(
        (
            (Moment.AT_ONCE, Moment.LOOKED),
            (Moment.AT_ONCE, Moment.BETWEEN),
            (Moment.LOOKED, Moment.NEXT),
            (Moment.BETWEEN, Moment.NEXT),
            (Moment.NEXT, Moment.NEXT),
        )
    )
    return [Step(Moment.AT_ONCE, own.wire), Step(first, stray[:at]), Step(second, stray[at:])]


def doubled(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send the reply two or three times."""
    del stray
    again = [_unasked(random, own.wire) for _ in range(random.choice((1, 1, 2)))]
    return [Step(Moment.AT_ONCE, own.wire), *sorted(again, key=_order)]


def _order(step: Step) -> int:
    return list(Moment).index(step.moment)


def no_content(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send a reply without a body. A body or a reply follows."""
    empty = random.choice(
        (
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n",
        )
    )
    return [
        Step(Moment.AT_ONCE, empty),
        _unasked(random, random.choice((own.wire, own.body, stray))),
    ]


def cut_off(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Stop somewhere until the time limit ends the call. The rest arrives later."""
    at = random.randint(0, len(own.wire) - 1)
    quiet = Step(random.choice(_QUIET))
    rest = random.choice((own.wire[at:], own.wire[at:] + stray, stray))
    return [Step(Moment.AT_ONCE, own.wire[:at]), quiet, _unasked(random, rest, _REST)]


def dripping(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send the reply piece by piece, to its end or until the time limit."""
    size = random.choice((1, 10, 100)) if len(own.wire) < 2_000 else 200
    pieces = [own.wire[i : i + size] for i in range(0, len(own.wire), size)]
    steps = [Step(Moment.WANTED, each) for each in pieces]
    if random.random() < 0.5:
        at = random.randint(0, len(steps) - 1)
        steps.insert(at, Step(random.choice(_QUIET)))
    return [*steps, _unasked(random, stray, _REST)]


def too_short(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Declare a length that is too small."""
    said = random.randint(0, max(len(own.body) - 1, 0))
    lines = head(own.status, [(b"Content-Length", b"%d" % said)])
    rest = own.body[said:] + random.choice((b"", stray))
    return [Step(Moment.AT_ONCE, lines + own.body[:said]), _unasked(random, rest or stray)]


def too_long(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Declare a length that is too large, so that a stray reply may count as part of the body."""
    more = random.choice((1, 2, len(stray), len(stray), 10**6))
    lines = head(own.status, [(b"Content-Length", b"%d" % (len(own.body) + more))])
    behind = [
        [Step(Moment.WANTED, stray)],
        [Step(Moment.AT_ONCE, stray)],
        [Step(random.choice(_QUIET)), _unasked(random, stray, _REST)],
        [Step(random.choice(_QUIET)), _unasked(random, b" " * more + stray, _REST)],
        [Step(Moment.WANTED, None)],
    ]
    return [Step(Moment.AT_ONCE, lines + own.body), *random.choice(behind)]


def twofold(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Declare the length twice, in different ways."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(own.body), own.body)
    length = b"Content-Length", b"%d" % len(own.body)
    chunked = b"Transfer-Encoding", b"chunked"
    lines, body = random.choice(
        (
            ([length, chunked], chunks),
            ([chunked, length], chunks),
            ([length, (b"Content-Length", b"%d" % (len(own.body) + len(stray)))], own.body),
            ([length, (b"Transfer-Encoding", b"gzip")], own.body),
            ([chunked, (b"Transfer-Encoding", b"identity")], chunks),
            ([length, (b"no colon\r\nX", b"1")], own.body),
        )
    )
    wire = head(own.status, lines) + body
    return [Step(Moment.AT_ONCE, wire, spoils=True), _unasked(random, stray)]


def chunked(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send it in chunks, with trailers, an early end, or no end."""
    at = random.randint(0, len(own.body))
    parts = [each for each in (own.body[:at], own.body[at:]) if each]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in parts)
    begun = Step(Moment.AT_ONCE, head(own.status, [(b"Transfer-Encoding", b"chunked")]) + chunks)
    trailers = random.choice((b"X: a\r\n", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n"))
    ends = [
        [Step(Moment.AT_ONCE, b"0\r\n" + trailers + b"\r\n")],
        [Step(Moment.WANTED, each) for each in (b"0\r\n", trailers, b"\r\n")],
        [Step(Moment.AT_ONCE, b"0\r\n" + trailers + b"\r\n"), _unasked(random, stray)],
        [Step(Moment.AT_ONCE, b"0\r\n\r\n"), _unasked(random, trailers + b"\r\n" + stray)],
        [
            Step(Moment.AT_ONCE, b"0\r\n"),
            Step(random.choice(_QUIET)),
            _unasked(random, stray, _REST),
        ],
        [Step(Moment.AT_ONCE, b"0\r\n" + stray, spoils=True)],
        [Step(random.choice(_QUIET)), _unasked(random, b"0\r\n\r\n" + stray, _REST)],
        [Step(Moment.AT_ONCE, b"-1\r\n" + stray, spoils=True)],
        [Step(Moment.WANTED, None)],
    ]
    return [begun, *random.choice(ends)]


def without_a_length(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Declare no length: everything until the connection ends is the reply."""
    lines = head(own.status, [(b"Connection", random.choice((b"keep-alive", b"close")))])
    end = random.choice((Step(Moment.WANTED, None), Step(random.choice(_QUIET))))
    return [Step(Moment.AT_ONCE, lines + own.body), end, _unasked(random, stray, _REST)]


def closing(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Close the connection at any moment."""
    at = random.choice((0, random.randint(0, len(own.wire)), len(own.wire), len(own.wire)))
    moments = (Moment.AT_ONCE, Moment.WANTED, Moment.LOOKED, Moment.BETWEEN, Moment.NEXT)
    steps = [Step(Moment.AT_ONCE, own.wire[:at])]
    if at == len(own.wire) and random.random() < 0.3:
        steps.append(_unasked(random, stray, _REST[:1]))
    return [*steps, Step(random.choice(moments), None)]


def said_to_close(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Announce a close, keep the connection open, and go on."""
    lines = [(b"Connection", b"close"), (b"Content-Length", b"%d" % len(own.body))]
    wire = head(own.status, lines) + own.body
    if random.random() < 0.3:
        wire = own.wire.replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    return [Step(Moment.AT_ONCE, wire, spoils=True), _unasked(random, stray)]


def early(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Answer before the request is whole."""
    steps = [Step(Moment.EARLY, own.wire)]
    return [*steps, _unasked(random, stray)] if random.random() < 0.5 else steps


def late(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Answer after the call."""
    answer = random.choice((own.wire, own.wire, own.wire + stray))
    return [Step(random.choice(_QUIET)), _unasked(random, answer, _REST)]


def silent(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Never answer."""
    del random, own, stray
    return [Step(Moment.PAUSE)]


def spoilt(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Answer with status 200 and an unreadable body."""
    del random, own, stray
    return [Step(Moment.AT_ONCE, honest(HTTPStatus.OK, b"?").wire)]


def honestly(random: Random, own: Own, stray: bytes) -> list[Step]:
    """Send the honest reply."""
    del random, stray
    return [Step(Moment.AT_ONCE, own.wire)]


#: What is written on a new connection before a request. None: it is closed. Empty: a stray reply.
GREETINGS: Final[dict[str, bytes | None]] = {
    "a stranger's reply": b"",
    "an interim reply": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "a byte": b"\0",
    "a close": None,
}

MISCHIEF: Final[tuple[Mischief, ...]] = (
    interim, interim_and_silence, interim_torn, interim_behind, another_protocol, surplus,
    second_reply, second_reply, second_reply_torn, doubled, no_content, cut_off, cut_off, dripping,
    too_short, too_long, twofold, chunked, chunked, without_a_length, closing, closing,
    said_to_close, early, late, late,
)  # fmt: skip
