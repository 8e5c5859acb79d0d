"""The people of the demo: obviously invented, with check digits that hold."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

Payload = Mapping[str, Any]

#: What every value of a payload is to be looked for by; the rest holds nothing that tells a person.
PERSONAL: Final = frozenset(
    {
        "first_name",
        "last_name",
        "middle_initial_name",
        "middle_name",
        "patronymic",
        "cell_phone",
        "phone",
        "date_of_birth",
        "birth_date",
        "snils",
        "inn",
        "number",
        "passport_number",
        "issuer",
    }
)
_FIRST_NAME: Final = "Выдумка"
_MIDDLE_NAME: Final = "Понарошковна"
_ISSUER: Final = "Отделом сказок города Небывалова"


def _unit(last_name: str, phone: str, snils: str, number: str) -> dict[str, Any]:
    """Return a person as MONETA's messages have one."""
    return {
        "profile": {
            "last_name": last_name,
            "first_name": _FIRST_NAME,
            "middle_initial_name": _MIDDLE_NAME,
            "cell_phone": phone,
            "date_of_birth": "1987-02-28",
            "snils": snils,
        },
        "document": {
            "series": "0001",
            "number": number,
            "issuer": _ISSUER,
            "issued": "2012-05-06",
            "department": "000-001",
        },
    }


def _holder(last_name: str, phone: str, number: str, **identifiers: str) -> dict[str, Any]:
    """Return the holder of a phone, as Mandarin's messages have one."""
    return {
        "last_name": last_name,
        "first_name": _FIRST_NAME,
        "patronymic": _MIDDLE_NAME,
        "passport_series": "0002",
        "passport_number": number,
        "phone": phone,
        **identifiers,
    }


def _self_employed(last_name: str, phone: str, snils: str, number: str) -> dict[str, Any]:
    """Return a person as NPD's messages have one."""
    return {
        "last_name": last_name,
        "first_name": _FIRST_NAME,
        "middle_name": _MIDDLE_NAME,
        "phone": phone,
        "birth_date": "1991-06-17",
        "snils": snils,
        "passport": {
            "series": "0003",
            "number": number,
            "issuer": _ISSUER,
            "issued": "2014-09-10",
            "department": "000-002",
        },
    }


FIRST: Final = _unit("Нетакова", "+7 900 000-41-01", "112-233-445 95", "000411")
#: The same reference with another person's data is no repetition.
SECOND: Final = _unit("Небылова", "+7 900 000-41-02", "010-242-368 77", "000412")
MISSPELT: Final = _unit("Опечатова", "+7 900 000-41-03", "154-971-298 00", "000413")
CORRECTED: Final = _unit("Опечаткина", "+7 900 000-41-03", "154-971-298 00", "000413")
#: The last digit of the checksum is wrong.
BAD_SNILS: Final = _unit("Промахова", "+7 900 000-41-04", "112-017-092 85", "000414")

#: The last three digits of these phones, and of those below, choose what the sandbox does.
FORGETFUL: Final = _holder("Перепуткина", "+7 900 042-70-00", "000421", snils="117-233-446 30")
UNKNOWN_TO_THE_STATE: Final = _holder(
    "Несуществова", "+7 900 042-71-02", "000422", inn="501716749406"
)
GUESSING: Final = _holder("Угадайкина", "+7 900 042-71-20", "000423", snils="118-345-219 47")
SILENT: Final = _holder("Молчунова", "+7 900 042-80-00", "000424", inn="772839405140")
UNANSWERED: Final = _holder("Безответова", "+7 900 042-75-00", "000425", snils="123-456-321 32")
WITH_BOTH: Final = _holder(
    "Двойкина", "+7 900 042-79-99", "000426", snils="131-415-926 25", inn="661290384722"
)

#: Mandarin's stand-in sends the last four digits of the phone by SMS.
RIGHT_CODE: Final = "7000"
WRONG_CODES: Final = ("640981537", "640981538", "640981539", "640981540", "640981541")

PROMPT: Final = _self_employed("Быстрова", "+7 900 036-10-00", "142-536-475 54", "000361")
TURNED_DOWN: Final = _self_employed("Отказова", "+7 900 036-14-00", "155-667-788 21", "000362")
MOVED: Final = _self_employed("Переезжева", "+7 900 036-14-01", "161-803-398 58", "000363")
UNBOUND: Final = _self_employed("Ничейкина", "+7 900 036-11-04", "173-205-080 33", "000364")
CUT_OFF: Final = _self_employed("Обрывова", "+7 900 036-15-00", "186-020-343 44", "000365")
DISPUTED: Final = _self_employed("Спорова", "+7 900 036-14-06", "199-119-119 03", "000367")
NAMELESS: Final = {
    name: value
    for name, value in _self_employed(
        "Недоимкина", "+7 900 036-19-99", "131-415-926 25", "000366"
    ).items()
    if name != "middle_name"
}

PEOPLE: Final[tuple[Payload, ...]] = (
    *(FIRST, SECOND, MISSPELT, CORRECTED, BAD_SNILS),
    *(FORGETFUL, UNKNOWN_TO_THE_STATE, GUESSING, SILENT, UNANSWERED, WITH_BOTH),
    *(PROMPT, TURNED_DOWN, MOVED, UNBOUND, CUT_OFF, DISPUTED, NAMELESS),
)


def personal_values() -> set[str]:
    """Return every value of what is sent that must stand in clear nowhere."""
    values = {value for person in PEOPLE for value in _personal(person)}
    return values | set(WRONG_CODES) | set(_written(RIGHT_CODE))


def _personal(part: Payload) -> Iterator[str]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _personal(value)
        elif name in PERSONAL:
            yield value


def _written(code: str) -> Iterator[str]:
    """Yield how a code of few digits stands where it is one: the digits alone are everywhere."""
    yield from (json.dumps(code), repr(code), f"sms_code={code}", f"smsCode={code}")
