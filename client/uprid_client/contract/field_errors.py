"""Describes what is wrong with given data: every faulty field, and no value."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from uprid_client.shown_names import shown_field

_NO_HINTS: Final[Mapping[str, str]] = {}
_ADVICE: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known: remove it",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "string_unicode": "must be text in Unicode",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "int_type": "must be an integer",
    "bool_type": "must be true or false",
    "greater_than": "must be a positive integer",
    "less_than_equal": "is too large",
}


#: What may stand there is ours to name.
_ONE_OF: Final = frozenset({"enum", "literal_error"})


def errors_of(
    error: ValidationError, whole: str = "payload", hints: Mapping[str, str] = _NO_HINTS
) -> tuple[list[str], str]:
    """Return the names of the faulty fields and a text that says what to do about each.

    Fields are named `profile.snils`, what was validated as a whole by `whole`. Values are never
    named, and a key that the sender made up only if it looks like one. `hints` say more where a
    field is missing.
    """
    fields: dict[str, str] = {}
    for detail in error.errors(include_input=False, include_url=False):
        name = ".".join(_shown(part) for part in detail["loc"]) or whole
        advice = _ADVICE.get(detail["type"], "is not valid")
        if detail["type"] in _ONE_OF:
            advice = f"must be {detail['ctx']['expected']}"
        if detail["type"] == "value_error":
            advice = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "missing" and name in hints:
            advice += f": {hints[name]}"
        fields.setdefault(name, f"{name} {advice}")
    return list(fields), "; ".join(fields.values())


def _shown(part: int | str) -> str:
    # A number is a place in a list, never a name.
    return str(part) if isinstance(part, int) else shown_field(part)
