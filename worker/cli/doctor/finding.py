"""What `uprid doctor` finds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How severe a finding is."""

    OK = "ok"
    #: Works, but not as it should in production.
    WARNING = "warning"
    #: Does not work.
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    what: str
    level: Level
    #: What was found and, where it is not in order, what to do.
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding for programs."""
        return {"what": self.what, "level": self.level.value, "detail": self.detail}


def ok(what: str, detail: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(what, Level.OK, detail)


def warning(what: str, detail: str) -> Finding:
    """Return a finding that should be corrected."""
    return Finding(what, Level.WARNING, detail)


def fault(what: str, detail: str) -> Finding:
    """Return a finding that keeps work from being done."""
    return Finding(what, Level.FAULT, detail)
