"""A JSON value that knows its path and gives nothing but what was asked for.

Refusals name the path and the rule. They never quote what was sent, not even an unknown
member's name: the client may log them.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, NoReturn

#: The path of the whole document.
ROOT: Final = "$"
#: `xsd:long`
LONG_MAX: Final = 2**63 - 1


class Violation(Exception):
    """The request is not what the schema allows."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")


class Node:
    """One value of a JSON document."""

    __slots__ = ("_value", "path")

    def __init__(self, value: object, path: str) -> None:
        self._value = value
        self.path = path

    def refuse(self, rule: str) -> NoReturn:
        """Raise `Violation` for this value."""
        raise Violation(self.path, rule)

    def members(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, "Node"]:
        """Return the members of an object that has all of `required` and none but the named."""
        if not isinstance(self._value, dict):
            self.refuse("must be an object")
        known = (*required, *optional)
        if not self._value.keys() <= set(known):
            self.refuse(f"holds an unknown member; known: {', '.join(known)}")
        for name in required:
            if name not in self._value:
                self.refuse(f"lacks the member {name}")
        return {name: Node(value, f"{self.path}.{name}") for name, value in self._value.items()}

    def items(self) -> list["Node"]:
        """Return the items of a list."""
        if not isinstance(self._value, list):
            self.refuse("must be a list")
        return [Node(item, f"{self.path}[{at}]") for at, item in enumerate(self._value)]

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
            self.refuse("must be a positive integer of 64 bits")
        return self._value


def read_document(body: bytes) -> Node:
    """Return the JSON document in `body`: UTF-8 without a mark, no member doubled, no NaN."""
    try:
        content = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        # A bad encoding is a ValueError too. The cause quotes the body: it is left behind.
        raise Violation(ROOT, "must be JSON in UTF-8") from None
    return Node(content, ROOT)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Violation(ROOT, "an object holds the same member twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise Violation(ROOT, "NaN and Infinity are not JSON")
