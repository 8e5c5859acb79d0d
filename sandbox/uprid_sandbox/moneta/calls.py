"""What is counted of MONETA's units."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from uprid_sandbox.calls import CallLog


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
    #: The ids of its tasks, as they were given out.
    tasks: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the counters as the admin page shows them."""
        return {
            "submits": self.submits,
            "taken": self.taken,
            "polls": self.polls,
            "profile_checks": self.profile_checks,
            "languages": dict(self.languages),
            "codes": dict(self.codes),
            "tasks": list(self.tasks),
        }


UnitLog = CallLog[UnitCalls]


def unit_log() -> UnitLog:
    """Return a log that shows `{"requests": …, "units": {unit id: counters}}`."""
    return CallLog("units", UnitCalls)
