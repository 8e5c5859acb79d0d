"""Counts what arrived, so that a test can tell how often a call was really made."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class UnitCalls:
    """What arrived for one unit. Requests count when they arrive, answered or not."""

    submits: int = 0
    #: Submits that had their effect: each one is a task, and would be paid for.
    taken: int = 0
    polls: int = 0
    profile_checks: int = 0
    #: All of these, by the language that they came in.
    languages: Counter[str] = field(default_factory=Counter)
    #: How often each of the provider's codes was answered.
    codes: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the counters as the admin page shows them."""
        return {
            "submits": self.submits,
            "taken": self.taken,
            "polls": self.polls,
            "profile_checks": self.profile_checks,
            "languages": dict(self.languages),
            "codes": dict(self.codes),
        }


class CallLog:
    """The counters of one stand-in: ids and numbers, nothing personal."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._units: defaultdict[int, UnitCalls] = defaultdict(UnitCalls)

    def count(self, kind: str) -> None:
        """Count a request of a kind."""
        self._requests[kind] += 1

    def unit(self, unit_id: int) -> UnitCalls:
        """Return the counters of a unit, to be counted up."""
        return self._units[unit_id]

    def clear(self) -> None:
        """Forget everything."""
        self._requests.clear()
        self._units.clear()

    def as_json(self) -> dict[str, Any]:
        """Return `{"requests": {kind: n}, "units": {unit id: counters}}`."""
        units = {str(unit_id): calls.as_json() for unit_id, calls in self._units.items()}
        return {"requests": dict(self._requests), "units": units}
