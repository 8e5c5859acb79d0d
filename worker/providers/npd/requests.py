"""What NPD is asked, by the parameters' own names. What was not given is not sent, nor signed."""

from collections.abc import Mapping
from typing import Any, Final

Parameters = dict[str, str]

#: The names of all parameters but `key` and `signature`.
PARAMETERS: Final = frozenset(
    {
        "bd",
        "firstname",
        "lastname",
        "middlename",
        "snils",
        "phone",
        "docseries",
        "docnumber",
        "docissuer",
        "docissued",
        "docdepartment",
    }
)
#: A guess: what is sent as the `middlename` of a person without a patronymic. The page does not
#: call it optional, so it is sent empty. The signature is the same as without it.
NO_PATRONYMIC: Final = ""


def profile_parameters(payload: Mapping[str, Any]) -> Parameters:
    """Return the parameters of `updatemonetaprofile`."""
    snils = payload.get("snils")
    return _given(
        bd=payload["birth_date"],
        firstname=payload["first_name"],
        lastname=payload["last_name"],
        middlename=payload["middle_name"] or NO_PATRONYMIC,
        snils=None if snils is None else _snils(snils),
        phone=payload["phone"],
    )


def document_parameters(payload: Mapping[str, Any]) -> Parameters:
    """Return the parameters of `updateuserdoc`."""
    passport = payload["passport"]
    return _given(
        docseries=passport["series"],
        docnumber=passport["number"],
        docissuer=passport.get("issuer"),
        docissued=passport.get("issued"),
        docdepartment=passport.get("department"),
        phone=payload["phone"],
    )


def start_parameters(payload: Mapping[str, Any]) -> Parameters:
    """Return the parameters of `startuprid`."""
    return _given(phone=payload["phone"])


def _given(**parameters: str | None) -> Parameters:
    return {name: value for name, value in parameters.items() if value is not None}


def _snils(digits: str) -> str:
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"
