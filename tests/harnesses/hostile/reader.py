"""The oracle's own reader: small, strict, and without any code of the product.

It reads JSON with its own hook and XML with expat, where the product uses lxml. Parts
that two readers may understand differently state nothing here: repeated names, a document type.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn, Protocol, Self
from xml.parsers import expat

_NIL: Final = "http://www.w3.org/2001/XMLSchema-instance nil"
_BLANK: Final = " \t\r\n"
_MONETA: Final = frozenset(
    {"http://www.moneta.ru/schemas/messages.xsd", "http://moneta.ru/schemas/messages.xsd"}
)


_DECLARATION: Final = re.compile(r"<\?xml[^>]*\?>")
_ENCODING: Final = re.compile(rb"encoding=[\"']([A-Za-z0-9._-]+)[\"']")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]")
_BY_FIRST_BYTES: Final = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"<\x00": "utf-16-le",
    b"\x00<": "utf-16-be",
    b"\xef\xbb\xbf": "utf-8",
}


class SaysNothing(ValueError):
    """The reply cannot be understood in exactly one way."""


class Said(Protocol):
    """A member of a reply."""

    def one(self, name: str) -> Self | None:
        """Return a member; None if it is missing or null."""

    def has(self, name: str) -> bool:
        """Return whether a member exists, even if it is null."""

    def each(self, name: str) -> list[Self]:
        """Return the items of a list."""

    def below(self, name: str) -> Iterator[Self]:
        """Return all members of this name at any depth."""

    @property
    def truth(self) -> bool | None:
        """A boolean; None if it is none."""

    @property
    def word(self) -> str | None:
        """A text; None if it is none."""

    @property
    def number(self) -> int | None:
        """An integer; None if it is none."""

    @property
    def loose(self) -> str | None:
        """A text, an integer or a boolean, as text; None if it is none of them."""


class JsonSaid:
    """A member in JSON."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401 - of any type
        self.value = value

    def one(self, name: str) -> "JsonSaid | None":
        if not isinstance(self.value, dict):
            return None
        found = self.value.get(name)
        return None if found is None else JsonSaid(found)

    def has(self, name: str) -> bool:
        return isinstance(self.value, dict) and name in self.value

    def each(self, name: str) -> "list[JsonSaid]":
        found = self.value.get(name) if isinstance(self.value, dict) else None
        return [JsonSaid(each) for each in found] if isinstance(found, list) else []

    def below(self, name: str) -> "Iterator[JsonSaid]":
        waiting = [self.value]
        while waiting:
            value = waiting.pop()
            if isinstance(value, list):
                waiting += value
            elif isinstance(value, dict):
                if name in value:
                    yield JsonSaid(value[name])
                waiting += value.values()

    @property
    def truth(self) -> bool | None:
        return self.value if isinstance(self.value, bool) else None

    @property
    def word(self) -> str | None:
        return self.value if isinstance(self.value, str) else None

    @property
    def number(self) -> int | None:
        is_number = isinstance(self.value, int) and not isinstance(self.value, bool)
        return self.value if is_number else None

    @property
    def loose(self) -> str | None:
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return str(self.value).strip() if isinstance(self.value, str | int) else None


class XmlSaid:
    """An element in XML."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.space, _, self.name = tag.rpartition(" ")
        self.is_nil = attributes.get(_NIL, "").strip(_BLANK) in {"true", "1"}
        self.children: list[XmlSaid] = []
        self.texts: list[str] = []

    def _known(self, name: str) -> "list[XmlSaid]":
        ours = {"", self.space} | _MONETA
        # The children of a frame may be of any namespace.
        loose = self.name in {"Envelope", "Body", "Fault", "fault", "detail"} or not self.space
        return [
            each for each in self.children if each.name == name and (loose or each.space in ours)
        ]

    def one(self, name: str) -> "XmlSaid | None":
        found = self._known(name)
        if len(found) > 1:
            raise SaysNothing
        return None if not found or found[0].is_nil else found[0]

    def has(self, name: str) -> bool:
        return bool(self._known(name))

    def each(self, name: str) -> "list[XmlSaid]":
        """Return MONETA's repeated elements, or the children of IntellectMoney's list."""
        if name == "attribute":
            return self._known(name)
        found = self.one(name)
        return [] if found is None else found.children

    def below(self, name: str) -> "Iterator[XmlSaid]":
        waiting = list(self.children)
        while waiting:
            child = waiting.pop()
            if child.name == name and not child.children:
                yield child
            waiting += child.children

    @property
    def truth(self) -> bool | None:
        return {"true": True, "1": True, "false": False, "0": False}.get(self._text(_BLANK) or "")

    @property
    def word(self) -> str | None:
        return self._text("")

    @property
    def number(self) -> int | None:
        said = self._text(_BLANK)
        return int(said) if said and re.fullmatch(r"[+-]?[0-9]{1,30}", said) else None

    @property
    def loose(self) -> str | None:
        return self._text(_BLANK)

    def _text(self, blank: str) -> str | None:
        return None if self.children else "".join(self.texts).strip(blank)


def read_json(body: bytes, *, constants: bool = False) -> JsonSaid:
    """Read JSON; raise `SaysNothing`. `constants`: NaN and Infinity count as numbers."""
    try:
        text = body.decode().lstrip("\ufeff \t\r\n")
        constant = float if constants else _refuse
        return JsonSaid(json.loads(text, object_pairs_hook=_once, parse_constant=constant))
    except SaysNothing:
        raise
    except (ValueError, RecursionError):
        raise SaysNothing from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise SaysNothing
    return dict(pairs)


def _refuse(*_: object) -> NoReturn:
    raise SaysNothing


def read_xml(body: bytes) -> XmlSaid:
    """Read XML; raise `SaysNothing`. The caller checks the name of the root.

    expat knows fewer encodings and fewer letters of names than other readers. If it fails, the
    decoded text is read instead, with an underscore in the place of each letter that is in no name
    of interest.
    """
    body = _begun(body)
    try:
        return _parsed(body)
    except SaysNothing:
        for text in _decoded(body):
            try:
                return _parsed(_FOREIGN.sub("_", _DECLARATION.sub("", text, count=1)).encode())
            except SaysNothing:
                continue
        raise


def _begun(body: bytes) -> bytes:
    """Remove blanks and byte order marks before the first `<`, except one mark of UTF-8."""
    before, found, rest = body.partition(b"<")
    marks = before.count(b"\xef\xbb\xbf")
    blanks = sum(before.count(blank) for blank in (b" ", b"\t", b"\r", b"\n"))
    if not found or len(before) != 3 * marks + blanks:
        return body
    return (b"\xef\xbb\xbf<" if marks else b"<") + rest


def _decoded(body: bytes) -> Iterator[str]:
    """Yield a body as text in the encodings that its first bytes and its declaration suggest."""
    named = _ENCODING.search(body[:200])
    names = [name for start, name in _BY_FIRST_BYTES.items() if body.startswith(start)]
    if named is not None:
        names.append(named[1].decode("ascii", "replace"))
    for name in [*names, "utf-8"]:
        try:
            yield body.decode(name, "replace").removeprefix("\ufeff")
        except (LookupError, ValueError):
            continue


def _parsed(body: bytes) -> XmlSaid:
    open_elements: list[XmlSaid] = []
    roots: list[XmlSaid] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        made = XmlSaid(tag, attributes)
        (open_elements[-1].children if open_elements else roots).append(made)
        open_elements.append(made)

    def end(_tag: str) -> None:
        open_elements.pop()

    def text(said: str) -> None:
        open_elements[-1].texts.append(said)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)  # noqa: FBT003 - expat's own signature
    except (expat.ExpatError, ValueError, LookupError, RecursionError):
        raise SaysNothing from None
    return roots[0]


def read(body: bytes) -> JsonSaid | XmlSaid:
    """Read JSON or XML, by the first character."""
    first = body.replace(b"\xef\xbb\xbf", b"").lstrip(b" \t\r\n")[:1]
    return read_json(body) if first == b"{" else read_xml(body)
