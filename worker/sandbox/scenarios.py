"""Every magic number of every provider, for people: `uprid sandbox --scenarios` prints it."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from worker.sandbox.moneta.acts import Scenario
from worker.sandbox.moneta.scenarios import SCENARIOS


class Row(NamedTuple):
    """One line of the table."""

    provider: str
    #: What `unit_id % 1000` must be.
    number: int
    name: str
    what: str


TABLES: Final[dict[str, Iterable[Scenario]]] = {"moneta": SCENARIOS.values()}


def describe() -> list[Row]:
    """Return all scenarios, by provider and number."""
    return [
        Row(provider, each.number, each.name, each.what)
        for provider, table in sorted(TABLES.items())
        for each in sorted(table, key=lambda scenario: scenario.number)
    ]
