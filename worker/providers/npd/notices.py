"""The notifications of an attempt: which of them count, and what they tell together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from uprid_client.contract.npd import Status

Notice = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """The first notification of each status. A SUCCESS counts, whichever came first."""

    success: Notice | None
    expired: Notice | None

    @classmethod
    def by(cls, notices: Iterable[Notice], provider_ref: str | None = None) -> Self:
        """Return what notifications tell of a task; where it is not known, of the person."""
        first: dict[str, Notice] = {}
        for notice in notices:
            if provider_ref is None or str(notice["async_id"]) == provider_ref:
                first.setdefault(notice["status"], notice)
        return cls(first.get(Status.SUCCESS), first.get(Status.EXPIRED))
