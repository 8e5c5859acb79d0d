"""The same invented people in every provider's format."""

from typing import Any, Final

from tests.support.messages.people import Payload, person

#: Digits between the country's and a provider's magic number: 7 900 NNNN SSS.
_PREFIX: Final = "7900"


def magic_phone(number: int, scenario: int) -> str:
    """Return a phone that chooses what the stand-ins of NPD and Mandarin do; `number` is 0-9999."""
    return f"{_PREFIX}{number:04}{scenario:03}"


def npd_person(number: int, phone: str | None = None) -> Payload:
    """Return a payload of NPD's `start_identification` with every field."""
    profile, document = person(number)["profile"], person(number)["document"]
    return {
        "phone": phone or profile["cell_phone"],
        "first_name": profile["first_name"],
        "last_name": profile["last_name"],
        "middle_name": profile["middle_initial_name"],
        "birth_date": profile["date_of_birth"],
        "snils": profile["snils"],
        "passport": document,
    }


def mandarin_person(
    number: int, phone: str | None = None, identifier: str = "snils"
) -> dict[str, str]:
    """Return a payload of Mandarin's `start_identification`, by `snils` or by `inn`."""
    profile, document = person(number)["profile"], person(number)["document"]
    return {
        "first_name": profile["first_name"],
        "patronymic": profile["middle_initial_name"],
        "last_name": profile["last_name"],
        "passport_series": document["series"],
        "passport_number": document["number"],
        identifier: profile[identifier],
        "phone": phone or profile["cell_phone"],
    }


def right_code(phone: str) -> str:
    """Return the code that Mandarin's stand-in takes for right."""
    return phone[-4:]


def scheduled_change(object_id: int, **changes: Any) -> dict[str, Any]:
    """Return the operation that a `save_scheduled_operation` without an id creates."""
    return {
        "object_id": object_id,
        "object_type": 1,
        "params": '{"Amount": 15}',
        "repeat_plan": "0 0 12 1 * ? *",
        **changes,
    }
