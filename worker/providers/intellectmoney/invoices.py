"""The registry of payments: every page is stored as it comes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from config.polling import PollPolicy
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Finished
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.fetching import Fetching
from worker.providers.intellectmoney.pages import Listing, Place
from worker.providers.intellectmoney.reading import invoices_in
from worker.providers.intellectmoney.requests import invoices_asked
from worker.providers.intellectmoney.tokens import Tokens


class Invoices(Fetching[Invoice]):
    """Fetches the invoices that the filters choose."""

    def __init__(
        self, client: Client, tokens: Tokens, policy: PollPolicy, date_format: str
    ) -> None:
        super().__init__(client, tokens, policy)
        self._date_format = date_format

    def listing(self, filters: Mapping[str, Any]) -> Listing[Invoice]:
        """Return the registry, in pages of the size that was asked for."""
        return Listing(
            page=lambda token, skip: self._client.invoices(
                token, invoices_asked(filters, skip, self._date_format)
            ),
            pick=invoices_in,
            take=filters["page_size"],
            id_of=attrgetter("id"),
        )

    def excess(self, place: Place) -> None:
        """Have no longest registry: what was read lies in rows, and there is a deadline."""
        del place

    def records(self, items: Sequence[Invoice]) -> Sequence[Invoice]:
        """Store all of a page."""
        return items

    def carried(self, progress: Mapping[str, Any], items: Sequence[Invoice]) -> dict[str, Any]:
        """Carry nothing: the rows hold it."""
        del progress, items
        return {}

    def ended(self, end: Finished, progress: Mapping[str, Any], answer: bytes | None) -> Finished:
        """Have the store count and sum up what came, whatever the end; the rows are the answer."""
        del answer
        return replace(end, result={"pages": Place.in_(progress).pages}, tallied=True)
