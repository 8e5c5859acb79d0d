"""A value of a request that knows its path and gives nothing but what was asked for.

Refusals name the path and the rule. They never quote what was sent, not even an unknown
member's name: the client may log them.
"""

from dataclasses import dataclass
from typing import Final, NoReturn, Protocol, Self

#: `xsd:long`
LONG_MAX: Final = 2**63 - 1
NOT_AN_ID: Final = "must be a positive integer of 64 bits"


class Violation(Exception):
    """The request is not what the schema allows."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")


class Node(Protocol):
    """One value of a request, in any language. Every method may raise `Violation`."""

    path: str

    def refuse(self, rule: str) -> NoReturn:
        """Raise `Violation` for this value."""

    def members(self, *sequence: str) -> "dict[str, Node]":
        """Return what an object holds: none but these, in this order where order is kept.

        A `Member` is written as the schema's particle: `key` must be there, `unitId?` may be,
        `attribute*` may come any number of times; `@version?` is an attribute in XML.
        """

    def items(self) -> "list[Node]":
        """Return the items of a member that may repeat."""

    def text(self) -> str:
        """Return a string."""

    def nillable_text(self) -> str | None:
        """Return a string, or None for a null."""

    def boolean(self) -> bool:
        """Return true or false."""

    def identifier(self) -> int:
        """Return a positive `xsd:long`."""


@dataclass(frozen=True, slots=True)
class Member:
    """What an object may hold under one name."""

    name: str
    required: bool
    repeated: bool
    attribute: bool

    @classmethod
    def read(cls, particle: str) -> Self:
        """Read `key`, `unitId?`, `attribute*` or `@version?`."""
        return cls(
            name=particle.strip("@?*"),
            required=particle[-1] not in "?*",
            repeated=particle.endswith("*"),
            attribute=particle.startswith("@"),
        )
