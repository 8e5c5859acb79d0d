"""Reading a list page by page, where each page may be queued: the place, and the next step."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from typing import Any, Final, Generic, Self, TypeVar, assert_never

from uprid_client.contract.reason_codes import ReasonCode
from worker.domain.outcomes import Misconfigured, NeedsPerson, Pending, Reason
from worker.providers.intellectmoney.access_tokens import NoAccessToken, Question, Questions
from worker.providers.intellectmoney.answers import Answer, Done, Failed, Queued
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.parsing import Pick
from worker.providers.intellectmoney.progress import Progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading stands."""

    #: Objects read so far: the next page begins behind them.
    skip: int = 0
    #: Pages read so far that held anything.
    pages: int = 0
    #: What tells the last page's ids from another page's.
    last: str | None = None
    #: The operation whose result is waited for; "" where it has no id, None where none is.
    queued: str | None = None
    #: Answers in a row that the page is queued.
    waits: int = 0

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """Return the place that is remembered, or the beginning."""
        # A newer release beside this one may remember more.
        stored = progress.place or {}
        return cls(**{each.name: stored[each.name] for each in fields(cls) if each.name in stored})

    def remembered(self) -> dict[str, Any]:
        """Return what `progress` keeps of it."""
        stored = {name: value for name, value in asdict(self).items() if value}
        return stored if self.queued is None else {**stored, "queued": self.queued}

    def resumed(self) -> Self:
        """Return the place from which to go on after a person had a look.

        The page itself is asked for again: how long a queued result is kept is not known, and a
        page that came twice is now believed.
        """
        return replace(self, last=None, queued=None, waits=0)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page came."""

    items: Sequence[T] = field(repr=False)
    #: Behind it.
    place: Place
    is_last: bool
    operation_id: str | None
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The page is queued."""

    place: Place
    operation_id: str | None


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list that is read page by page."""

    #: Asks, with a token, for the page behind so many objects.
    page: Callable[[str, int], Answer[tuple[T, ...]]]
    #: Takes a page from a queued operation's result.
    pick: Pick[tuple[T, ...]]
    #: Objects of a page: one with fewer is the last.
    take: int
    id_of: Callable[[T], object]


def read_page(
    client: Client, questions: Questions, listing: Listing[T], place: Place
) -> Page[T] | Waiting | Failed | NoAccessToken:
    """Ask for the page at a place, or for the result of the operation that it was queued as.

    A page with the same objects as the page before it waits for a person: a provider that ignores
    Skip would be asked without end.
    """
    reply = questions.read(_question(client, listing, place))
    match reply:
        case Done():
            ids = _fingerprint(map(listing.id_of, reply.result))
            if reply.result and ids == place.last:
                return NeedsPerson(_SAME_PAGE, "the same page twice")
            return _page(reply, listing, place, ids)
        case Queued():
            waits = 0 if place.queued is None else place.waits + 1
            queued = place.queued or reply.operation_id or ""
            return Waiting(replace(place, queued=queued, waits=waits), reply.operation_id)
        case Failed() | Pending() | NeedsPerson() | Misconfigured():
            return reply
        case _:
            assert_never(reply)


def _question(client: Client, listing: Listing[T], place: Place) -> Question[tuple[T, ...]]:
    if place.queued and client.fetches_results:
        return partial(client.result, operation_id=place.queued, pick=listing.pick)
    return lambda access_token: listing.page(access_token, place.skip)


def _page(reply: Done[tuple[T, ...]], listing: Listing[T], place: Place, ids: str) -> Page[T]:
    count = len(reply.result)
    return Page(
        items=reply.result,
        place=Place(place.skip + count, place.pages + (count > 0), ids),
        is_last=count < listing.take,
        operation_id=reply.operation_id,
        answer=reply.answer,
    )


def _fingerprint(ids: Iterable[object]) -> str:
    return hashlib.sha256(" ".join(map(str, ids)).encode()).hexdigest()[:32]


_SAME_PAGE: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    "IntellectMoney gave the same page twice in a row: resume where that may be right.",
)
