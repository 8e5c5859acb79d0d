"""The languages of a reply: XML, and JSON for who accepts it."""

import json
from collections.abc import Iterator
from typing import Final, Protocol
from xml.sax.saxutils import escape

from uprid_sandbox.answers import Page
from uprid_sandbox.intellectmoney.tree import Content, Items, Number, Twice, Typed, Value

_JSON_TYPES: Final = ("text/json", "application/json")
_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_NAMESPACES: Final = (
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)
_LAUGHS: Final = "".join(
    f'<!ENTITY laugh{n} "{f"&laugh{n - 1};" * 10}">' if n else '<!ENTITY laugh0 "ха">'
    for n in range(10)
)
#: Entities that expand to a billion texts, and one that reads a file of this machine.
_DOCTYPE: Final = f'<!DOCTYPE Response [{_LAUGHS}<!ENTITY file SYSTEM "file:///etc/hostname">]>\n'
#: Deeper than any parser's stack.
_ABYSS: Final = 100_000


class Language(Protocol):
    """A way to write a reply."""

    #: As the counters name it.
    name: str
    content_type: str

    def write(self, content: Content) -> Page:
        """Return a `Response` as it goes out."""

    def stranger(self) -> Page:
        """Return a good document that is no `Response`."""

    def hostile(self) -> Page:
        """Return what is made to hurt its reader."""


class Xml:
    """The usual one."""

    name = "xml"
    content_type = "text/xml; charset=utf-8"

    def write(self, content: Content) -> Page:
        """Return a `Response` with the namespaces of the provider's examples."""
        inner = "".join(_elements(content))
        return self._page(f"{_DECLARATION}<Response{_NAMESPACES}>{inner}</Response>")

    def stranger(self) -> Page:
        """Return a good document that is no `Response`."""
        return self._page(f"{_DECLARATION}<Status>ok</Status>")

    def hostile(self) -> Page:
        """Return entities that grow, and one that points to a file, in a reply that says done."""
        state = "<OperationState><Code>0</Code><Desc>&laugh9;&file;</Desc></OperationState>"
        return self._page(f"{_DECLARATION}{_DOCTYPE}<Response>{state}</Response>")

    def _page(self, text: str) -> Page:
        return Page(200, text.encode(), self.content_type)


class Json:
    """What `Accept: text/json` asks for; the reply says the type that was asked for."""

    name = "json"

    def __init__(self, media_type: str = _JSON_TYPES[0]) -> None:
        self.content_type = f"{media_type}; charset=utf-8"

    def write(self, content: Content) -> Page:
        """Return the members of a `Response`."""
        return Page(200, _literal(content).encode(), self.content_type)

    def stranger(self) -> Page:
        """Return a good document that is no `Response`."""
        return Page(200, b'["ok"]', self.content_type)

    def hostile(self) -> Page:
        """Return deeply nested JSON."""
        return Page(200, b'{"Result":' * _ABYSS, self.content_type)


def language_of(accept: str | None) -> Language:
    """Return what an `Accept` header asks for; XML where it says nothing."""
    accepted = [each.partition(";")[0].strip().lower() for each in (accept or "").split(",")]
    for media_type in accepted:
        if media_type in _JSON_TYPES:
            return Json(media_type)
    return Xml()


def other_than(language: Language) -> Language:
    """Return the language that was not asked for."""
    return Json() if isinstance(language, Xml) else Xml()


def _elements(content: Content) -> Iterator[str]:
    for name, value in content.items():
        yield _element(name, value)


def _element(name: str, value: Value) -> str:
    match value:
        case None:
            return f'<{name} xsi:nil="true" />'
        case Twice(first, second):
            return _element(name, first) + _element(name, second)
        case Items(name=item, items=items):
            inner = "".join(_element(item, each) for each in items)
        case bool():
            inner = "true" if value else "false"
        case str():
            inner = escape(value)
        case _:
            inner = "".join(_elements(value))
    mark = ' xsi:type="xsd:string"' if isinstance(value, Typed) else ""
    return f"<{name}{mark}>{inner}</{name}>" if inner else f"<{name}{mark} />"


def _literal(value: Value) -> str:
    match value:
        case Number():
            return value
        case Items(items=items):
            return f"[{','.join(_literal(each) for each in items)}]"
        case Twice(first=first):
            return _literal(first)
        case bool() | str() | None:
            return json.dumps(value, ensure_ascii=False)
        case _:
            return "{" + ",".join(_members(value)) + "}"


def _members(content: Content) -> Iterator[str]:
    for name, value in content.items():
        doubles = (value.first, value.second) if isinstance(value, Twice) else (value,)
        for each in doubles:
            yield f"{json.dumps(name)}:{_literal(each)}"
