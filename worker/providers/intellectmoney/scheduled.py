"""The list of scheduled operations: carried from page to page, and told whole at the end."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from operator import attrgetter
from typing import Any, Final

from config.polling import PollPolicy
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Finished, Reason, ReasonCode
from worker.domain.states import State
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.fetching import Fetching
from worker.providers.intellectmoney.pages import Listing, Place
from worker.providers.intellectmoney.reading import scheduled_in
from worker.providers.intellectmoney.requests import LISTED_AT_A_TIME, listed_asked
from worker.providers.intellectmoney.said import Scheduled
from worker.providers.intellectmoney.tokens import Tokens

#: In `progress`: the operations of the pages so far. Nothing of them is personal.
_ITEMS: Final = "items"
#: All that was read is written with every page: a list without an end must find one.
_MOST_PAGES: Final = 100
_STATES: Final[Mapping[int | None, str]] = {0: "active", 1: "off", None: "unknown"}


def listing_of(client: Client, filters: Mapping[str, Any], date_format: str) -> Listing[Scheduled]:
    """Return the scheduled operations that the filters choose."""
    return Listing(
        page=lambda token, skip: client.scheduled(token, listed_asked(filters, skip, date_format)),
        pick=scheduled_in,
        take=LISTED_AT_A_TIME,
        id_of=attrgetter("operation_id"),
    )


class ScheduledOperations(Fetching[Scheduled]):
    """Fetches the scheduled operations that the filters choose."""

    def __init__(
        self, client: Client, tokens: Tokens, policy: PollPolicy, date_format: str
    ) -> None:
        super().__init__(client, tokens, policy)
        self._date_format = date_format

    def listing(self, filters: Mapping[str, Any]) -> Listing[Scheduled]:
        """Return the list."""
        return listing_of(self._client, filters, self._date_format)

    def excess(self, place: Place) -> Reason | None:
        """Leave to a person what is longer than a list that can be told."""
        return _ENDLESS if place.pages >= _MOST_PAGES else None

    def records(self, items: Sequence[Scheduled]) -> Sequence[Invoice]:
        """Store nothing beside the operation."""
        del items
        return ()

    def carried(self, progress: Mapping[str, Any], items: Sequence[Scheduled]) -> dict[str, Any]:
        """Carry all of them."""
        return {_ITEMS: [*progress.get(_ITEMS, ()), *map(asdict, items)]}

    def ended(self, end: Finished, progress: Mapping[str, Any], answer: bytes | None) -> Finished:
        """Count them; the answer of a whole list is the list, of an error the reply."""
        items = progress.get(_ITEMS, [])
        counts = Counter(_STATES.get(item["state"], "unknown") for item in items)
        result = {
            "operations": len(items),
            "by_state": dict(sorted(counts.items())),
            "pages": Place.in_(progress).pages,
        }
        if end.state is State.SUCCEEDED:
            answer = json.dumps(items, ensure_ascii=False).encode()
        return replace(end, result=result, answer=answer)


_ENDLESS: Final = Reason(
    ReasonCode.UNKNOWN_ANSWER,
    f"IntellectMoney lists more than {_MOST_PAGES * LISTED_AT_A_TIME} scheduled operations: look "
    "there; where that is right, cancel and ask for them by narrower filters.",
)
