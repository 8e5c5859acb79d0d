"""What an attempt at IntellectMoney remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.providers.progress import Progress as StoredProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(StoredProgress):
    """Where a list that is being read stands, and what comes before and after a write."""

    #: How many answers in a row were not known.
    unknown: int = 0
    #: A `Place` in a list that is being read.
    place: Mapping[str, Any] | None = None
    #: The scheduled operations of the pages so far. None of it is personal.
    items: list[dict[str, Any]] | None = None
    #: All that comes before the write is done.
    ready: bool = False
    #: The ids that were listed for the object before a create.
    before: list[str] | None = None
    #: When they were listed. Seconds since 1970.
    listed_at: float | None = None
    #: The ids found on the pages of the list that is being read.
    found: list[str] | None = None
    #: How often the list did not show what a doubtful write would have made.
    doubts: int = 0

    def counted_unknown(self) -> "Progress":
        """Return the same after one more answer that is not known."""
        return replace(self, unknown=self.unknown + 1)

    def without_list(self) -> "Progress":
        """Return what is known of a write, without the list that was being read."""
        return Progress(
            ready=self.ready, before=self.before, listed_at=self.listed_at, doubts=self.doubts
        )

    def unlisted(self) -> "Progress":
        """Return the same without what comes before a write: it was not made, and comes anew."""
        return replace(self, ready=False, before=None, listed_at=None)
