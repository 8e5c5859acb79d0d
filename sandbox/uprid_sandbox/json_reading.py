"""Reads JSON by the letter."""

import json
from typing import Any, Final, NoReturn

from uprid_sandbox.strict import LONG_MAX, NOT_AN_ID, Member, Node, Violation

#: The path of the whole document.
ROOT: Final = "$"


class JsonNode:
    """One value of a JSON document. Its members have no order."""

    __slots__ = ("_value", "path")

    def __init__(self, value: object, path: str) -> None:
        self._value = value
        self.path = path

    def refuse(self, rule: str) -> NoReturn:
        """Raise `Violation` for this value."""
        raise Violation(self.path, rule)

    def members(self, *sequence: str) -> dict[str, Node]:
        """Return the members of an object."""
        if not isinstance(self._value, dict):
            self.refuse("must be an object")
        wanted = [Member.read(particle) for particle in sequence]
        known = [member.name for member in wanted]
        if not self._value.keys() <= set(known):
            self.refuse(f"holds an unknown member; known: {', '.join(known)}")
        for member in wanted:
            if member.required and member.name not in self._value:
                self.refuse(f"lacks the member {member.name}")
        return {name: JsonNode(value, f"{self.path}.{name}") for name, value in self._value.items()}

    def items(self) -> list[Node]:
        """Return the items of a list."""
        if not isinstance(self._value, list):
            self.refuse("must be a list")
        return [JsonNode(item, f"{self.path}[{at}]") for at, item in enumerate(self._value)]

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self._value, str):
            self.refuse("must be a string")
        return self._value

    def nillable_text(self) -> str | None:
        """Return a string, or None for null."""
        return None if self._value is None else self.text()

    def boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self._value, bool):
            self.refuse("must be true or false")
        return self._value

    def identifier(self) -> int:
        """Return a positive `xsd:long`; Python's bool is an int, the schema's is not."""
        if type(self._value) is not int or not 0 < self._value <= LONG_MAX:
            self.refuse(NOT_AN_ID)
        return self._value


def read_json(body: bytes) -> JsonNode:
    """Return the JSON document in `body`: UTF-8 without a mark, no member doubled, no NaN."""
    try:
        content = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        # A bad encoding is a ValueError too. The cause quotes the body: it is left behind.
        raise Violation(ROOT, "must be JSON in UTF-8") from None
    return JsonNode(content, ROOT)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Violation(ROOT, "an object holds the same member twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise Violation(ROOT, "NaN and Infinity are not JSON")
