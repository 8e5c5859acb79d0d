"""The two sides of the demo: the same units, in MONETA's JSON and in its SOAP.

The other providers have one language each, and are asked on the first side.
"""

from dataclasses import dataclass
from typing import Final, Literal

from uprid_client.names import Provider

#: How people write the providers' names.
NAMES: Final = {
    Provider.MONETA: "MONETA",
    Provider.MANDARIN: "Mandarin",
    Provider.NPD: "NPD",
    Provider.INTELLECTMONEY: "IntellectMoney",
}


@dataclass(frozen=True, slots=True)
class Side:
    """A language, and all that speaks it: workers, queues, stream and database of its own."""

    #: As the setting names it, and the sandbox's counters.
    transport: Literal["json", "soap"]
    #: Both call the same MONETA, so each has units of its own there.
    first_unit: int
    #: On the broker that both have in common.
    broker_database: int
    #: Who is asked on this side.
    providers: tuple[Provider, ...]

    @property
    def name(self) -> str:
        """For people."""
        return self.transport.upper()

    def unit(self, unit_id: int) -> int:
        """Return this side's own unit in the place of a case's."""
        return self.first_unit + unit_id

    def where(self, provider: Provider) -> str:
        """Return who is asked here, and in which language where there is more than one."""
        name = NAMES[provider]
        return f"{name}/{self.name}" if provider is Provider.MONETA else name


SIDES: Final = (
    Side("json", 0, 0, tuple(NAMES)),
    Side("soap", 10_000, 1, (Provider.MONETA,)),
)
