"""Fetching a list to its end: all of it is harmless, so nothing is ever submitted."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar, assert_never

from config.polling import PollPolicy
from worker.operations.invoices import Invoice
from worker.operations.outcomes import (
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
from worker.operations.states import State
from worker.providers.base import Work
from worker.providers.intellectmoney.asking import Asking
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.ends import (
    EXPIRED,
    OPERATION_ERROR,
    before_the_start,
    error,
)
from worker.providers.intellectmoney.pages import Listing, Page, Place, Waiting, read_page
from worker.providers.intellectmoney.said import Failed
from worker.providers.intellectmoney.tokens import Tokens
from worker.providers.intellectmoney.troubles import not_known

T = TypeVar("T")
_Ends = Finished | NeedsPerson | Misconfigured


class Fetching(ABC, Generic[T]):
    """One kind of list. The page where it stands is in `progress`: a crash goes on from there."""

    def __init__(self, client: Client, tokens: Tokens, policy: PollPolicy) -> None:
        self._client = client
        self._tokens = tokens
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
    def carried(self, progress: Mapping[str, Any], items: Sequence[T]) -> dict[str, Any]:
        """Return what is carried on to the end in `progress`, a page's items added."""

    @abstractmethod
    def ended(self, end: Finished, progress: Mapping[str, Any], answer: bytes | None) -> Finished:
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
        """Begin with the first page, wherever an operation was thought to stand."""
        del work
        return NotSent("nothing to submit", Trouble.UNKNOWN, calls=0)

    def clear_up(self, work: Work) -> Outcome:
        """Nothing can be in doubt."""
        return self.submit(work)

    def poll(self, work: Work) -> Outcome:
        """Ask for the next page, or again for the queued one."""
        return self._turn(work, starts=False)

    def settle(self, work: Work) -> Outcome:
        """Ask once more; without an end this is it."""
        outcome = self._turn(work, starts=False)
        if not isinstance(outcome, Pending):
            return outcome
        progress = work.progress if outcome.progress is None else outcome.progress
        end = Finished(
            State.EXPIRED, outcome.note, EXPIRED, records=outcome.records, calls=outcome.calls
        )
        return self.ended(end, progress, None)

    def carried_over(self, progress: Mapping[str, Any]) -> Mapping[str, Any]:
        """Go on, after a person's look, from the last page that was stored."""
        place = Place.in_(progress).resumed()
        return {**self.carried(progress, ()), **place.remembered()}

    def _turn(self, work: Work, *, starts: bool) -> Started | Pending | _Ends:
        asking = Asking(self._tokens, work.progress)
        listing = self.listing(work.args["filters"])
        said = read_page(self._client, asking, listing, Place.in_(work.progress))
        match said:
            case Page():
                outcome = self._page(work, said, starts=starts)
            case Waiting():
                outcome = self._waiting(work, said, starts=starts)
            case Failed():
                end = Finished(
                    State.FAILED, OPERATION_ERROR, error(OPERATION_ERROR, retryable=True)
                )
                outcome = self.ended(end, work.progress, said.answer)
            case Pending() | NeedsPerson() | Misconfigured():
                outcome = said
            case _:
                assert_never(said)
        return replace(outcome, calls=asking.calls)

    def _page(self, work: Work, page: Page[T], *, starts: bool) -> Started | Pending | _Ends:
        records = self.records(page.items)
        progress = {**self.carried(work.progress, page.items), **page.place.remembered()}
        if page.is_last:
            end = Finished(State.SUCCEEDED, "last page stored", records=records)
            return self.ended(end, progress, page.answer)
        excess = self.excess(page.place)
        if excess is not None:
            return NeedsPerson(excess, "too many pages")
        if not starts:
            return Pending("page stored", again_in=0.0, progress=progress, records=records)
        if page.operation_id is None:
            return not_known("no OperationId", work.progress)
        return Started(
            page.operation_id, "page stored", again_in=0.0, progress=progress, records=records
        )

    def _waiting(self, work: Work, said: Waiting, *, starts: bool) -> Started | Pending:
        place = said.place
        progress = {**self.carried(work.progress, ()), **place.remembered()}
        if starts and said.operation_id is not None:
            return Started(said.operation_id, "queued", as_after=place.waits, progress=progress)
        return Pending("queued", as_after=place.waits, progress=progress)
