"""What a reply holds, before a language puts it into bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class Number(str):
    """A number as it is written, in both languages: decimals keep their zeros."""

    __slots__ = ()


class Typed(str):
    """A string that XML marks as one (`xsi:type`)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A list: in XML every item is an element of this name."""

    name: str
    items: Sequence["Value"] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Twice:
    """A member that comes two times, which is for one to come once."""

    first: "Value" = field(repr=False)
    second: "Value" = field(repr=False)


#: None is a null (`xsi:nil`); `Number` and `Typed` are strings too: they are asked for first.
Value = Mapping[str, "Value"] | Items | Twice | Number | Typed | str | bool | None
Content = Mapping[str, Value]
