"""Masking: the second line of defence for text that others wrote.

The first line is that personal data never gets there: messages carry sealed payloads, our errors
carry no values, bodies are never logged. What passes through here (a library's warning, a trace)
is cut down to what cannot be a person's.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "…"

_TOKENS: Final = re.compile(r"gAAAA[\w\-=]{20,}")
_EMAILS: Final = re.compile(r"[\w.+\-]+@[\w\-]+\.[\w.\-]+")
#: Nine digits and more, however grouped: phones, SNILS, INN, passports. Dates with a time and
#: decimal fractions are left alone.
_NUMBERS: Final = re.compile(r"(?<![\w.:\-])\+?\d(?:[ \-()]{0,2}\d){8,}(?![\w:])")
#: Ten digits in a row are a person's wherever they stand, within a word too.
_DIGITS: Final = re.compile(r"\d{10,}")
#: The whole script, not only what is Russian.
_LETTERS: Final = (
    "\u0400-\u052f\u1c80-\u1c8f\u1d2b\u1d78\u2de0-\u2dff\ua640-\ua69f\U0001e030-\U0001e08f"
)
_CYRILLIC: Final = re.compile(rf"[{_LETTERS}][{_LETTERS}\- ]*")
#: A password may hold an `@` itself.
_URL_PASSWORDS: Final = re.compile(r"(://[^/\s:@]*:)[^/\s]+@")

#: Arguments of tasks that hold nothing personal by contract.
_OPEN_ARGUMENTS: Final = frozenset(
    {"reference", "unit_id", "async_id", "attempt", "slot", "verdict"}
)
_LONGEST_SHOWN: Final = 100
_PHONE_LIKE: Final = 10**10


def mask_text(text: str) -> str:
    """Return the text without what could be personal or secret."""
    return _CYRILLIC.sub(MASK, mask_note(text))


def mask_note(text: str) -> str:
    """Return what an on-call engineer wrote, without numbers and addresses of a person.

    Notes are written in Russian: their words are left alone, and names do not belong there.
    """
    masked = _URL_PASSWORDS.sub(rf"\1{MASK}@", text)
    for pattern in (_TOKENS, _EMAILS, _NUMBERS, _DIGITS):
        masked = pattern.sub(MASK, masked)
    return masked


def mask_name(text: str) -> str:
    """Return who acted: a login name is often an address, of which only the name is kept."""
    return mask_note(_EMAILS.sub(lambda address: address[0].partition("@")[0], text))


def shown_arguments(kwargs: object) -> str:
    """Return what Flower and the logs may show of a message's keyword arguments."""
    if not isinstance(kwargs, Mapping):
        return MASK
    shown = {
        (key if key in _OPEN_ARGUMENTS else _argument_name(key)): (
            _shown_value(value) if key in _OPEN_ARGUMENTS else MASK
        )
        for key, value in kwargs.items()
    }
    return "{" + ", ".join(f"{key}: {value}" for key, value in shown.items()) + "}"


def _argument_name(key: object) -> str:
    known_form = isinstance(key, str) and re.fullmatch(r"[a-z_]{1,40}", key)
    return str(key) if known_form else MASK


def _shown_value(value: Any) -> str:  # noqa: ANN401 - anything may be enqueued
    if isinstance(value, bool | int | float):
        # No provider's number has this many digits, but a phone has.
        return str(value) if abs(value) < _PHONE_LIKE else MASK
    if isinstance(value, str) and len(value) <= _LONGEST_SHOWN:
        return repr(mask_text(value))
    return MASK
