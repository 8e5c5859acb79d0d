"""Invented people, each with values of its own that occur nowhere else by chance."""

from copy import deepcopy
from typing import Any, Final

_LETTERS: Final = "абвгдежзик"
_LATIN: Final = "bcdfghjklm"

Payload = dict[str, Any]


def person(number: int) -> Payload:
    """Return a payload of `start_identification` with every field; `number` is 0 to 999."""
    day = f"{1 + number // 28 % 12:02}-{1 + number % 28:02}"
    word = "".join(_LETTERS[int(digit)] for digit in f"{number:03}")
    return {
        "profile": {
            "first_name": f"Вымышлена{word}",
            "last_name": f"Небывалова-{word.capitalize()}цына",
            # Masks that only know Cyrillic would let this one pass.
            "middle_initial_name": "Quixworth" + "".join(_LATIN[int(d)] for d in f"{number:03}"),
            "cell_phone": f"+7 947 {number:03}-68-13",
            "date_of_birth": f"{1931 + number // 336}-{day}",
            "snils": _snils(187_641_000 + number),
            "inn": _inn(7_738_219_000 + number),
        },
        "document": {
            "series": f"{9000 + number}",
            "number": f"{861_000 + number}",
            "issuer": f"Отдел {word} слободы Тьмутараканьской",
            "issued": f"{1951 + number // 336}-{day}",
            "department": f"961-{number:03}",
        },
    }


def changed(payload: Payload, **fields: object) -> Payload:
    """Return a copy with other values; `profile__snils=None` drops a field."""
    copy = deepcopy(payload)
    for path, value in fields.items():
        block, _, name = path.partition("__")
        if value is None:
            del copy[block][name]
        else:
            copy[block][name] = value
    return copy


def _snils(body: int) -> str:
    digits = f"{body:09}"
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(digits))
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]} {total % 101 % 100:02}"


def _inn(body: int) -> str:
    digits = f"{body:010}"
    for weights in ((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)):
        pairs = zip(weights, digits, strict=True)
        digits += str(sum(weight * int(digit) for weight, digit in pairs) % 11 % 10)
    return digits
