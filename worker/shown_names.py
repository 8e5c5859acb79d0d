"""Names that a sender made up: what of them may be shown.

A field or a task may be called anything, a person's phone too. One that is spelt as ours are helps
its sender to find a typing error; every other is `(unnamed)`.
"""

import re
from typing import Final

UNNAMED: Final = "(unnamed)"
_FIELD: Final = re.compile(r"[a-z][a-zA-Z0-9_]{0,39}")
_TASK: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
#: None of our names has one, and a year has four. With five it may be part of a person's number.
_MOST_DIGITS: Final = 4


def shown_field(name: object) -> str:
    """Return a field's or an argument's name as a refusal may have it."""
    return _shown(name, _FIELD)


def shown_task(name: object) -> str:
    """Return a task's name as it may be stored, logged and published."""
    return _shown(name, _TASK)


def _shown(name: object, spelling: re.Pattern[str]) -> str:
    if not isinstance(name, str) or not spelling.fullmatch(name):
        return UNNAMED
    return name if sum(map(str.isdigit, name)) <= _MOST_DIGITS else UNNAMED
