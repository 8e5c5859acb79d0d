"""A reply as a tree that may break every rule: names may be repeated, values may be of no type.

The tests' documents are dicts and lists. Here an object is a list of pairs, so that it can be
broken. Each language writes as much of it as it can.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape

from tests.support.providers.wires import ENVELOPE, MESSAGES

#: Names of a list's items in XML. MONETA's lists repeat the name of the list instead.
_ITEMS: Final = {
    "InvoicesHistoryList": "InvoiceData",
    "HistoryList": "HistoryData",
    "GetScheduledOperationData": "ScheduledOperationData",
}
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


class Obj(list[tuple[str, Any]]):
    """An object or element: pairs of name and value."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Text that is written as it is: a number that JSON cannot hold, a broken element."""

    text: str


@dataclass(frozen=True, slots=True)
class Odd:
    """An element with attributes or a namespace of its own. In JSON it is only its value."""

    value: Any
    attributes: str


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a pair in an object, or of an item in a list."""

    holder: list[Any]
    index: int
    name: str | None

    @property
    def value(self) -> Any:  # noqa: ANN401 - of any type
        """The value in this place."""
        held = self.holder[self.index]
        return held[1] if self.name is not None else held

    def put(self, value: object) -> None:
        """Put another value into this place."""
        self.holder[self.index] = value if self.name is None else (self.name, value)


def tree_of(document: object) -> Any:  # noqa: ANN401 - a tree
    """Return a document as a tree that shares nothing with it."""
    if isinstance(document, dict):
        return Obj((name, tree_of(value)) for name, value in document.items())
    if isinstance(document, list):
        return [tree_of(each) for each in document]
    return document


def places(tree: object) -> list[Place]:
    """Return all places of a tree."""
    return list(_places(tree))


def _places(tree: object) -> Iterator[Place]:
    if isinstance(tree, Obj):
        for index, (name, value) in enumerate(tree):
            yield Place(tree, index, name)
            yield from _places(value)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield Place(tree, index, None)
            yield from _places(value)


@lru_cache(4096)
def _name(name: str) -> str:
    return json.dumps(name)


def as_json(tree: object) -> str:
    """Write a tree as JSON, or as the text that it has in the place of JSON."""
    match tree:
        case Obj():
            return "{" + ",".join(f"{_name(n)}:{as_json(v)}" for n, v in tree) + "}"
        case list():
            return "[" + ",".join(map(as_json, tree)) + "]"
        case Raw(text=text):
            return text
        case Odd(value=value):
            return as_json(value)
        case _:
            return json.dumps(tree, ensure_ascii=False)


Write = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Xml:
    """Writes trees as XML."""

    #: The attributes of an element, by its name.
    opened: dict[str, str] = field(default_factory=dict)
    #: Whether a list's items are in an element of the list's name.
    wraps: bool = True

    def element(self, name: str, value: object, more: str = "") -> str:
        """Write an element, even if its name is no valid name."""
        if isinstance(value, Odd):
            return self.element(name, value.value, f"{more} {value.attributes}")
        if isinstance(value, list) and not isinstance(value, Obj) and not self.wraps:
            return "".join(self.element(name, each, more) for each in value)
        more = self.opened.get(name, "") + more
        if value is None:
            return f'<{name}{more} xmlns:xsi="{_XSI}" xsi:nil="true"/>'
        return f"<{name}{more}>{self._inside(name, value)}</{name.split(' ', maxsplit=1)[0]}>"

    def _inside(self, name: str, value: object) -> str:
        match value:
            case Obj():
                return "".join(self.element(each, held) for each, held in value)
            case list():
                return "".join(self.element(_ITEMS.get(name, "item"), each) for each in value)
            case Raw(text=text):
                return text
            case bool():
                return str(value).lower()
            case _:
                return escape(str(value))


_SOAP_XML: Final = Xml({"s:Envelope": f' xmlns:s="{ENVELOPE}"'}, wraps=False)
_SOAP_NAMES: Final = {"Envelope": "s:Envelope", "Body": "s:Body", "Fault": "s:Fault"}
_ANSWERS: Final = frozenset({"AsyncResponse", "GetProfileInfoResponse"})
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'


def as_soap(tree: object) -> str:
    """Write a MONETA tree as SOAP."""
    if not isinstance(tree, Obj):
        return _DECLARATION + _SOAP_XML.element("Envelope", tree)
    return _DECLARATION + "".join(_SOAP_XML.element(n, v) for n, v in _soap(tree, declared=False))


def _soap(tree: Obj, *, declared: bool) -> Obj:
    made = Obj()
    for name, value in tree:
        inner = _soap(value, declared=True) if _is_frame(name, value) else value
        more = f' xmlns="{MESSAGES}"' if name in _ANSWERS else ""
        prefixed = _SOAP_NAMES.get(name, name)
        if prefixed != name and not declared and name != "Envelope":
            more = f' xmlns:s="{ENVELOPE}"'
        made.append((prefixed, Odd(inner, more.strip()) if more else inner))
    return made


def _is_frame(name: str, value: object) -> bool:
    return name in {"Envelope", "Body"} and isinstance(value, Obj)


def as_response(tree: object) -> str:
    """Write an IntellectMoney tree as XML."""
    return '<?xml version="1.0"?>' + Xml().element("Response", tree)
