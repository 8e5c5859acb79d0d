"""What NPD asks of MONETA, where MONETA is configured: NPD's persons are units there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from worker.domain.outcomes import Misconfigured, Outcome, Pending, Trouble
from worker.providers.moneta.groups import Membership


class MonetaQueries(Protocol):
    """Harmless questions to MONETA; what is to be asked for again counts in `progress`."""

    def group(self, unit_id: int, progress: Mapping[str, Any]) -> Membership | Outcome:
        """Ask which group holds a unit; an `Outcome` where that was not answered."""

    def status(self, async_id: int, unit_id: int, progress: Mapping[str, Any]) -> Outcome:
        """Ask how a task of a unit stands."""

    def close(self) -> None:
        """Close what it holds open."""


def beside(outcome: Outcome) -> Outcome:
    """Return an outcome of MONETA's as one of NPD's: MONETA's troubles say nothing of NPD.

    They neither feed NPD's breaker nor have all of NPD rest or pause.
    """
    note = f"moneta: {outcome.note}"
    match outcome:
        case Pending(trouble=None):
            return replace(outcome, note=note)
        case Pending():
            return replace(outcome, note=note, trouble=Trouble.DEPENDENCY)
        case Misconfigured():
            return Pending(note, Trouble.DEPENDENCY, calls=outcome.calls)
        case _:
            return outcome
