"""MONETA's plain lists of attributes, by key."""

from collections.abc import Iterable

from worker.providers.moneta.types import Attribute


def values_of(attributes: Iterable[Attribute], key: str) -> set[str]:
    """Return the different values that the attributes of a key hold."""
    return {
        attribute.value.strip()
        for attribute in attributes
        if attribute.key == key and attribute.value is not None
    }


def is_of(attributes: Iterable[Attribute], unit_id: int) -> bool:
    """Tell whether the attributes are the unit's: an absent `unitid` is taken, a foreign never."""
    return values_of(attributes, "unitid") <= {str(unit_id)}
