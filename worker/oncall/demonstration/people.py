"""The people of the demo: obviously invented, with check digits that hold."""

from collections.abc import Mapping
from typing import Any, Final

Payload = Mapping[str, Any]

#: What every value of a payload is to be looked for by; the rest holds nothing that tells a person.
PERSONAL: Final = frozenset(
    {
        "first_name",
        "last_name",
        "middle_initial_name",
        "cell_phone",
        "date_of_birth",
        "snils",
        "inn",
        "number",
        "issuer",
    }
)


def _person(last_name: str, phone: str, snils: str, number: str) -> dict[str, Any]:
    return {
        "profile": {
            "last_name": last_name,
            "first_name": "Выдумка",
            "middle_initial_name": "Понарошковна",
            "cell_phone": phone,
            "date_of_birth": "1987-02-28",
            "snils": snils,
        },
        "document": {
            "series": "0001",
            "number": number,
            "issuer": "Отделом сказок города Небывалова",
            "issued": "2012-05-06",
            "department": "000-001",
        },
    }


FIRST: Final = _person("Нетакова", "+7 900 000-41-01", "112-233-445 95", "000411")
#: The same reference with another person's data is no repetition.
SECOND: Final = _person("Небылова", "+7 900 000-41-02", "010-242-368 77", "000412")
MISSPELT: Final = _person("Опечатова", "+7 900 000-41-03", "154-971-298 00", "000413")
CORRECTED: Final = _person("Опечаткина", "+7 900 000-41-03", "154-971-298 00", "000413")
#: The last digit of the checksum is wrong.
BAD_SNILS: Final = _person("Промахова", "+7 900 000-41-04", "112-017-092 85", "000414")

PEOPLE: Final[tuple[Payload, ...]] = (FIRST, SECOND, MISSPELT, CORRECTED, BAD_SNILS)


def personal_values() -> set[str]:
    """Return every value that must stand in clear nowhere."""
    return {
        value
        for person in PEOPLE
        for part in person.values()
        for name, value in part.items()
        if name in PERSONAL
    }
