"""The two sides of the demo: the same operations, asked about in either of MONETA's languages."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Side:
    """A language, and all that speaks it: workers, queues, stream and database of its own."""

    #: As the setting names it, and the sandbox's counters.
    transport: Literal["json", "soap"]
    #: Both call the same MONETA, so each has units of its own there.
    first_unit: int
    #: On the broker that both have in common.
    broker_database: int

    @property
    def name(self) -> str:
        """For people."""
        return self.transport.upper()

    def unit(self, unit_id: int) -> int:
        """Return this side's own unit in the place of a case's."""
        return self.first_unit + unit_id


SIDES: Final = (Side("json", 0, 0), Side("soap", 10_000, 1))
