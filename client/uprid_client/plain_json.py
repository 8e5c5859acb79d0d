"""What a message may carry, made of what a program has: plain JSON, the same in every language."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from uprid_client.errors import UpridError
from uprid_client.shown_names import shown_field

#: Integers of 64 bits, with a sign or without one: no provider has larger ones.
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
#: How deep objects and lists may lie in one another: more is a mistake, or one within itself.
_DEEPEST: Final = 50
#: What a type may be called to be shown.
_TYPE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_ADVICE: Final = {
    "datetime": "give its date alone, or the text of that",
    "time": "give its ISO text",
    "Decimal": "give an integer, or its text where a text is wanted",
    "bytes": "give its text",
    "bytearray": "give its text",
    "set": "give a list",
    "frozenset": "give a list",
}
_ANY: Final = "give text, a number, a boolean, null, a date, a list or an object"


class NotSendable(UpridError):
    """Nothing was sent: no message can carry it."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        #: One line each: where, and what to do.
        self.errors = tuple(f"{path}: {what}" for path, what in errors)
        #: Where they stand, such as `payload.document.issued`.
        self.fields = tuple(path for path, _ in errors)
        super().__init__("; ".join(self.errors))


def plain_json(value: object, path: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value as JSON has it: dates, UUIDs and members of enums as what they stand for.

    Raises `NotSendable` with all errors; their places begin with `path`, and no value is quoted.
    """
    reading = _Reading()
    plain = reading.plain(value, path, 0)
    if reading.errors:
        raise NotSendable(reading.errors)
    return plain


@dataclass(slots=True)
class _Reading:
    """One value's reading. What is wrong is read as null."""

    errors: list[tuple[str, str]] = field(default_factory=list)

    def plain(self, value: object, path: str, depth: int) -> Any:  # noqa: ANN401 - JSON
        if depth > _DEEPEST:
            self._add_error(path, "is nested too deeply")
            return None
        match value:
            case Enum():
                return self.plain(value.value, path, depth + 1)
            case None | bool():
                return value
            case str():
                return self._text(str(value), path)
            case int() | float():
                return self._number(value, path)
            case datetime():
                return self._no_json(value, path)
            case date() | UUID():
                return str(value)
            case Mapping():
                return {
                    self._name(name, path): self.plain(inner, f"{path}.{_shown(name)}", depth + 1)
                    for name, inner in value.items()
                }
            case list() | tuple():
                return [self.plain(v, f"{path}.{n}", depth + 1) for n, v in enumerate(value)]
            case _:
                return self._no_json(value, path)

    def _add_error(self, path: str, what: str) -> None:
        self.errors.append((path, what))

    def _text(self, value: str, path: str) -> str | None:
        try:
            value.encode()
        except UnicodeEncodeError:
            self._add_error(path, "must be text in Unicode")
            return None
        return value

    def _number(self, value: float, path: str) -> float | None:
        if isinstance(value, int):
            if _SMALLEST <= value <= _LARGEST:
                return int(value)
            self._add_error(path, "must be an integer of 64 bits")
            return None
        if math.isfinite(value):
            return float(value)
        self._add_error(path, "must be finite")
        return None

    def _name(self, name: object, path: str) -> str | None:
        text = name.value if isinstance(name, Enum) else name
        if isinstance(text, str):
            return self._text(str(text), path)
        self._add_error(path, "has a name that is no text")
        return None

    def _no_json(self, value: object, path: str) -> None:
        kind = type(value).__name__
        shown = kind if _TYPE.fullmatch(kind) else "object"
        self._add_error(path, f"is a {shown}, which JSON has not: {_ADVICE.get(kind, _ANY)}")


def _shown(name: object) -> str:
    text = name.value if isinstance(name, Enum) else name
    return shown_field(text)
