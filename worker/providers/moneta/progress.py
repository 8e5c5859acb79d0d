"""What an attempt at MONETA remembers."""

from dataclasses import dataclass, replace
from typing import Self

from worker.providers.progress import Progress as StoredProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(StoredProgress):
    """Counts of what came in the place of an answer, and what was found past the deadline."""

    #: How many answers in a row were not known.
    unknown: int = 0
    #: How many times in a row the task was not known.
    missing: int = 0
    #: How many replies to polls in a row were not MONETA's.
    spoilt: int = 0
    #: The poll past the deadline was answered, and there is no result.
    last_poll: bool = False
    #: How many times past the deadline the unit was found anonymous.
    checks: int = 0

    @property
    def is_answered(self) -> bool:
        """Whether the last answer could be used."""
        return not (self.unknown or self.missing or self.spoilt)

    def answered(self) -> Self:
        """Return what is left to remember once an answer has come that can be used."""
        return replace(self, unknown=0, missing=0, spoilt=0)

    def begun_anew(self) -> Self:
        """Return the same without what was found while the task was thought to be over."""
        return replace(self.answered(), last_poll=False, checks=0)
