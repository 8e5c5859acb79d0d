"""Revisions of the schema by their names: which of them a release can work on. Pure.

A revision is named by its number, `0004`. One that takes something away says behind it which
revision a release must know at least to go on working: `0007.needs.0005`.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

_NAME: Final = re.compile(r"(\d{4})(?:\.needs\.(\d{4}))?")


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision, read from its name."""

    number: int
    #: The lowest number that a release must know to work on it. Revisions that only add need 0.
    needs: int

    @classmethod
    def read(cls, name: str | None) -> Self | None:
        """Return the revision of this name, 0 for an empty database; None: it is none of ours."""
        if name is None:
            return cls(0, 0)
        found = _NAME.fullmatch(name)
        return None if found is None else cls(int(found[1]), int(found[2] or 0))

    def carries(self, newest: Self) -> bool:
        """Return whether a release that knows everything up to `newest` can work on this one."""
        return self.number >= newest.number >= self.needs
