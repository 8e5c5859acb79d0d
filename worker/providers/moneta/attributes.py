"""MONETA's plain lists of attributes, by key."""

import re
from collections.abc import Iterable
from typing import Final

from worker.providers.moneta.types import Attribute

#: MONETA's bookkeeping: no fact about a person, so that its flag does not say that one was checked.
_BOOKKEEPING: Final = frozenset(
    {"alias", "creationdate", "modificationdate", "parentid", "profileid", "timezone", "unitid"}
)
#: What may be named in an event.
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def checked(attributes: Iterable[Attribute]) -> dict[str, list[str]]:
    """Return the names of what MONETA has `approved`, and of what it says it has `not_approved`.

    What it says both of is not approved.
    """
    named = [a for a in attributes if _KEY.fullmatch(a.key) and a.key not in _BOOKKEEPING]
    refused = {a.key for a in named if a.approved is False}
    approved = {a.key for a in named if a.approved} - refused
    return {"approved": sorted(approved), "not_approved": sorted(refused)}


def values_of(attributes: Iterable[Attribute], key: str) -> set[str]:
    """Return the different values that the attributes of a key hold."""
    return {
        attribute.value.strip()
        for attribute in attributes
        if attribute.key == key and attribute.value is not None
    }


def names(attributes: Iterable[Attribute], unit_id: int) -> bool:
    """Return whether the attributes say that they are the unit's."""
    return values_of(attributes, "unitid") == {str(unit_id)}


def is_of(attributes: Iterable[Attribute], unit_id: int) -> bool:
    """Return whether the attributes are the unit's: without `unitid` yes, with a foreign one no."""
    return values_of(attributes, "unitid") <= {str(unit_id)}
