"""How the attributes of a profile and of a document are written."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from uprid_sandbox.names import is_name
from uprid_sandbox.strict import Node

Form = Callable[[str], bool]

PASSPORT: Final = "PASSPORT"
DOCUMENT_TYPES: Final = frozenset(
    {
        PASSPORT,
        "DRIVING_LICENCE",
        "MILITARY_ID",
        "OTHER",
        "PARTNER_LICENCE",
        "IDENTITY_DOCUMENT",
        "ADMINISTRATIVE",
        "CUSTOM",
    }
)


def _pattern(pattern: str) -> Form:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _is_date(value: str) -> bool:
    # `fromisoformat` alone would take 20240131 and 2024-W05-3 as well.
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_name(value: str) -> bool:
    return is_name(value) is not None


def _is_given(value: str) -> bool:
    return bool(value.strip())


#: A private person's keys; `unitid` is among them, but only to be read.
PROFILE_FORMS: Final[Mapping[str, Form]] = {
    **dict.fromkeys(("last_name", "first_name", "middle_initial_name"), _is_name),
    "alias": _is_given,
    **dict.fromkeys(("country", "state", "city", "zip", "address"), _is_given),
    **dict.fromkeys(("email_for_notifications", "phone", "url", "timezone"), _is_given),
    "sex": _pattern("MALE|FEMALE"),
    "ui_language": _pattern("RU|EN"),
    "cell_phone": _pattern("79[0-9]{9}"),
    "date_of_birth": _is_date,
    "inn": _pattern("[0-9]{12}"),
    "snils": _pattern("[0-9]{3}-[0-9]{3}-[0-9]{3} [0-9]{2}"),
}
#: Any document's keys, in lower case: they are sent in either case.
DOCUMENT_FORMS: Final[Mapping[str, Form]] = {
    **dict.fromkeys(("series", "number", "issuer", "department", "comments"), _is_given),
    "issued": _is_date,
    "expirationdate": _is_date,
}
#: `department` has no rule anywhere: this is how the provider's examples write it.
PASSPORT_FORMS: Final[Mapping[str, Form]] = {
    **DOCUMENT_FORMS,
    "series": _pattern("[0-9]{4}"),
    "number": _pattern("[0-9]{6}"),
    "department": _pattern("[0-9]{3}-[0-9]{3}"),
}
_CUSTOM: Final = re.compile(r"customfield:.{1,32}")
#: What no XML document can hold: what came in one language may go out in the other.
_UNSPEAKABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def check_form(key: str, value: str | None, forms: Mapping[str, Form], at: Node) -> None:
    """Refuse an unknown key, and a value that is not written as its key demands."""
    if _UNSPEAKABLE.search(key) or _UNSPEAKABLE.search(value or ""):
        at.refuse("holds a control character")
    if _CUSTOM.fullmatch(key):
        return
    if key not in forms:
        at.refuse(f"has an unknown key; known: {', '.join(sorted(forms))}, customfield:*")
    if value is not None and not forms[key](value):
        at.refuse(f"the value of {key} is not written as it must be")
