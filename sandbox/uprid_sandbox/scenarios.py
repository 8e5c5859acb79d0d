"""Every magic number of every provider, for people: `uprid sandbox --scenarios` prints it."""

from collections.abc import Collection
from typing import Final, NamedTuple, Protocol

from uprid_sandbox.intellectmoney.table import SCENARIOS as INTELLECTMONEY
from uprid_sandbox.mandarin.scenarios import SCENARIOS as MANDARIN
from uprid_sandbox.moneta.scenarios import SCENARIOS as MONETA
from uprid_sandbox.npd.scenarios import SCENARIOS as NPD


class Described(Protocol):
    """What a provider's scenario tells of itself."""

    @property
    def number(self) -> int:
        """The magic number, below 1000."""

    @property
    def name(self) -> str:
        """Its name, the provider's own."""

    @property
    def what(self) -> str:
        """What the provider does, and where it leads."""


class Table(NamedTuple):
    """All scenarios of one provider."""

    #: What decides, such as `unit_id % 1000`.
    magic: str
    scenarios: Collection[Described]


class Row(NamedTuple):
    """One line for people."""

    provider: str
    magic: str
    number: int
    name: str
    what: str


TABLES: Final[dict[str, Table]] = {
    "intellectmoney": Table(
        "EshopId % 1000, ObjectId % 1000 or what the login ends in", INTELLECTMONEY.values()
    ),
    "mandarin": Table("last three digits of the phone", MANDARIN.values()),
    "moneta": Table("unit_id % 1000", MONETA.values()),
    "npd": Table("last three digits of the phone", NPD.values()),
}


def describe() -> list[Row]:
    """Return all scenarios, by provider and number."""
    return [
        Row(provider, table.magic, each.number, each.name, each.what)
        for provider, table in sorted(TABLES.items())
        for each in sorted(table.scenarios, key=lambda scenario: scenario.number)
    ]
