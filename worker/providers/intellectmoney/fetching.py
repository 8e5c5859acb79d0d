"""Fetching a list to its end: all of it is harmless, so nothing is ever submitted."""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, assert_never

from config.polling import PollPolicy
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.invoices import Invoice
from worker.domain.outcomes import (
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
    Reason,
    Started,
    Trouble,
)
from worker.providers.intellectmoney.access_tokens import AccessTokens, Questions
from worker.providers.intellectmoney.answers import Failed, Scheduled
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.endings import (
    EXPIRED,
    OPERATION_ERROR,
    before_the_start,
    error,
    not_known,
)
from worker.providers.intellectmoney.paging import Listing, Page, Place, Waiting, read_page
from worker.providers.intellectmoney.parsing import invoices_in, scheduled_in
from worker.providers.intellectmoney.progress import Progress
from worker.providers.intellectmoney.requests import LISTED_AT_A_TIME, invoices_asked, listed_asked
from worker.providers.protocol import Work

T = TypeVar("T")
_Ends = Finished | NeedsPerson | Misconfigured
#: Every page writes all that was read so far, so that the length must be limited.
_MOST_PAGES: Final = 100
_STATES: Final[Mapping[int | None, str]] = {0: "active", 1: "off", None: "unknown"}


class Fetching(ABC, Generic[T]):
    """One kind of list. The page where it stands is in `progress`: a crash goes on from there."""

    def __init__(self, client: Client, access_tokens: AccessTokens, policy: PollPolicy) -> None:
        self._client = client
        self._access_tokens = access_tokens
        self._policy = policy

    @abstractmethod
    def listing(self, filters: Mapping[str, Any]) -> Listing[T]:
        """Return the list that the filters choose."""

    @abstractmethod
    def excess(self, place: Place) -> Reason | None:
        """Return why a list that goes on behind a place is too long, if it is."""

    @abstractmethod
    def records(self, items: Sequence[T]) -> Sequence[Invoice]:
        """Return what of a page is stored beside the operation."""

    @abstractmethod
    def carried(self, progress: Progress, items: Sequence[T]) -> Progress:
        """Return what is carried on to the end, a page's items added."""

    @abstractmethod
    def ended(self, end: Finished, progress: Progress, answer: bytes | None) -> Finished:
        """Complete an end by what was carried; `answer` is the reply that ended it."""

    def prepares(self, progress: Mapping[str, Any]) -> bool:
        """All of it comes before a submit that never comes."""
        del progress
        return True

    def prepare(self, work: Work) -> Outcome:
        """Ask for the first page; the provider's answer to it starts the attempt."""
        outcome = self._turn(work, starts=True)
        return before_the_start(work, outcome, self._policy)

    def submit(self, work: Work) -> Outcome:
        """Send nothing and have the first page asked for: a fetch has no submit."""
        del work
        return NotSent("nothing to submit", Trouble.UNKNOWN, calls=0)

    def clear_up(self, work: Work) -> Outcome:
        """Nothing can be in doubt."""
        return self.submit(work)

    def poll(self, work: Work) -> Outcome:
        """Ask for the next page, or again for the queued one."""
        return self._turn(work, starts=False)

    def settle(self, work: Work) -> Outcome:
        """Ask once more; expire the attempt where the list is not complete."""
        outcome = self._turn(work, starts=False)
        if not isinstance(outcome, Pending):
            return outcome
        progress = Progress.of(work.progress if outcome.progress is None else outcome.progress)
        end = Finished(
            State.EXPIRED, outcome.note, EXPIRED, records=outcome.records, calls=outcome.calls
        )
        return self.ended(end, progress, None)

    def carried_over(self, progress: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the place of the last stored page, from which a resumed attempt goes on."""
        known = Progress.of(progress)
        place = Place.of(known).resumed()
        return replace(self.carried(known, ()), place=place.remembered()).stored()

    def _turn(self, work: Work, *, starts: bool) -> Started | Pending | _Ends:
        questions = Questions(self._access_tokens, Progress.of(work.progress))
        listing = self.listing(work.args["filters"])
        reply = read_page(self._client, questions, listing, Place.of(Progress.of(work.progress)))
        match reply:
            case Page():
                outcome = self._page(work, reply, starts=starts)
            case Waiting():
                outcome = self._waiting(work, reply, starts=starts)
            case Failed():
                end = Finished(
                    State.FAILED, OPERATION_ERROR, error(OPERATION_ERROR, retryable=True)
                )
                outcome = self.ended(end, Progress.of(work.progress), reply.answer)
            case Pending() | NeedsPerson() | Misconfigured():
                outcome = reply
            case _:
                assert_never(reply)
        return replace(outcome, calls=questions.calls)

    def _page(self, work: Work, page: Page[T], *, starts: bool) -> Started | Pending | _Ends:
        records = self.records(page.items)
        carried = self.carried(Progress.of(work.progress), page.items)
        progress = replace(carried, place=page.place.remembered())
        if page.is_last:
            end = Finished(State.SUCCEEDED, "last page stored", records=records)
            return self.ended(end, progress, page.answer)
        excess = self.excess(page.place)
        if excess is not None:
            return NeedsPerson(excess, "too many pages")
        if not starts:
            return Pending("page stored", again_in=0.0, progress=progress.stored(), records=records)
        if page.operation_id is None:
            return not_known("no OperationId", Progress.of(work.progress))
        return Started(
            page.operation_id,
            "page stored",
            again_in=0.0,
            progress=progress.stored(),
            records=records,
        )

    def _waiting(self, work: Work, reply: Waiting, *, starts: bool) -> Started | Pending:
        place = reply.place
        carried = self.carried(Progress.of(work.progress), ())
        progress = replace(carried, place=place.remembered()).stored()
        if starts and reply.operation_id is not None:
            return Started(reply.operation_id, "queued", as_after=place.waits, progress=progress)
        return Pending("queued", as_after=place.waits, progress=progress)


class Invoices(Fetching[Invoice]):
    """Fetches the payment registry: every page is stored as it comes."""

    def __init__(
        self, client: Client, access_tokens: AccessTokens, policy: PollPolicy, date_format: str
    ) -> None:
        super().__init__(client, access_tokens, policy)
        self._date_format = date_format

    def listing(self, filters: Mapping[str, Any]) -> Listing[Invoice]:
        """Return the registry, in pages of the size that was asked for."""
        return Listing(
            page=lambda access_token, skip: self._client.invoices(
                access_token, invoices_asked(filters, skip, self._date_format)
            ),
            pick=invoices_in,
            take=filters["page_size"],
            id_of=attrgetter("id"),
        )

    def excess(self, place: Place) -> None:
        """Return None: pages are stored as rows, and the deadline limits the registry."""
        del place

    def records(self, items: Sequence[Invoice]) -> Sequence[Invoice]:
        """Store all of a page."""
        return items

    def carried(self, progress: Progress, items: Sequence[Invoice]) -> Progress:
        """Carry nothing: the rows hold it."""
        del progress, items
        return Progress()

    def ended(self, end: Finished, progress: Progress, answer: bytes | None) -> Finished:
        """Return the end with the store's counts and sums added: the stored rows are the answer."""
        del answer
        return replace(end, result={"pages": Place.of(progress).pages}, with_totals=True)


def listing_of(client: Client, filters: Mapping[str, Any], date_format: str) -> Listing[Scheduled]:
    """Return the scheduled operations that the filters choose."""
    return Listing(
        page=lambda access_token, skip: client.scheduled(
            access_token, listed_asked(filters, skip, date_format)
        ),
        pick=scheduled_in,
        take=LISTED_AT_A_TIME,
        id_of=attrgetter("operation_id"),
    )


class ScheduledOperations(Fetching[Scheduled]):
    """Fetches the scheduled operations: carried from page to page, and sent whole at the end."""

    def __init__(
        self, client: Client, access_tokens: AccessTokens, policy: PollPolicy, date_format: str
    ) -> None:
        super().__init__(client, access_tokens, policy)
        self._date_format = date_format

    def listing(self, filters: Mapping[str, Any]) -> Listing[Scheduled]:
        """Return the list."""
        return listing_of(self._client, filters, self._date_format)

    def excess(self, place: Place) -> Reason | None:
        """Return why a list that is too long waits for a person; None where it is not."""
        return _ENDLESS if place.pages >= _MOST_PAGES else None

    def records(self, items: Sequence[Scheduled]) -> Sequence[Invoice]:
        """Store nothing beside the operation."""
        del items
        return ()

    def carried(self, progress: Progress, items: Sequence[Scheduled]) -> Progress:
        """Carry all of them."""
        return Progress(items=[*(progress.items or ()), *map(asdict, items)])

    def ended(self, end: Finished, progress: Progress, answer: bytes | None) -> Finished:
        """Count them; the answer of a whole list is the list, of an error the reply."""
        items = progress.items or []
        counts = Counter(_STATES.get(item["state"], "unknown") for item in items)
        result = {
            "operations": len(items),
            "by_state": dict(sorted(counts.items())),
            "pages": Place.of(progress).pages,
        }
        if end.state is State.SUCCEEDED:
            answer = json.dumps(items, ensure_ascii=False).encode()
        return replace(end, result=result, answer=answer)


_ENDLESS: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    f"IntellectMoney lists more than {_MOST_PAGES * LISTED_AT_A_TIME} scheduled operations: look "
    "there; where that is right, cancel and ask for them by narrower filters.",
)
