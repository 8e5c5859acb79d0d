"""Reads XML as a validating parser would, and as SOAP 1.1 wants it: no DTD, no instructions."""

import re
from collections.abc import Sequence
from typing import Final, NoReturn

from lxml import etree

from uprid_sandbox.strict import LONG_MAX, NOT_AN_ID, Member, Node, Violation

#: The path of the whole document.
ROOT: Final = "/"
NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_LONG: Final = re.compile(r"[+-]?[0-9]{1,30}")
_BLANKS: Final = " \t\r\n"


class XmlNode:
    """One element, or all those of one name that may repeat.

    Its own elements and attributes must be qualified with its namespace. Attributes that are
    tolerated, here and below, have no effect; they are named as `{namespace}name`.
    """

    __slots__ = ("_elements", "_namespace", "_tolerated", "path")

    def __init__(
        self,
        elements: Sequence[etree._Element],
        path: str,
        namespace: str,
        tolerated: frozenset[str] = frozenset(),
    ) -> None:
        self._elements = elements
        self._namespace = namespace
        self._tolerated = tolerated
        self.path = path

    def within(self, namespace: str, tolerated: frozenset[str] = frozenset()) -> "XmlNode":
        """Return the same element, whose own ones are of another namespace."""
        return XmlNode(self._elements, self.path, namespace, tolerated)

    def refuse(self, rule: str) -> NoReturn:
        """Raise `Violation` for this element."""
        raise Violation(self.path, rule)

    def members(self, *sequence: str) -> dict[str, Node]:
        """Return the elements, in the sequence's order, and the attributes."""
        return dict(self.parts(*sequence))

    def parts(self, *sequence: str) -> "dict[str, XmlNode]":
        """Return the members as what they are here."""
        wanted = [Member.read(particle) for particle in sequence]
        found = self._attributes([member.name for member in wanted if member.attribute])
        found |= self._children([member for member in wanted if not member.attribute])
        for member in wanted:
            if member.required and member.name not in found:
                self.refuse(f"lacks {member.name}")
        return found

    def items(self) -> list[Node]:
        """Return each of the elements that share a name."""
        return [self._below([each], f"[{at}]") for at, each in enumerate(self._elements)]

    def text(self) -> str:
        """Return the text of an element that holds nothing else."""
        element = self._one()
        self._attributes([])
        if len(element):
            self.refuse("must hold text only")
        return element.text or ""

    def nillable_text(self) -> str | None:
        """Return the text, or None where the element says `xsi:nil`."""
        nil = self._one().get(NIL)
        if nil is None:
            return self.text()
        if nil.strip(_BLANKS) not in _BOOLEANS:
            self.refuse("xsi:nil must be true or false")
        text = self.within(self._namespace, self._tolerated | {NIL}).text()
        if not _BOOLEANS[nil.strip(_BLANKS)]:
            return text
        if text:
            self.refuse("is nil and must be empty")
        return None

    def boolean(self) -> bool:
        """Return an `xsd:boolean`: blanks around it do not count."""
        text = self.text().strip(_BLANKS)
        if text not in _BOOLEANS:
            self.refuse("must be true or false")
        return _BOOLEANS[text]

    def identifier(self) -> int:
        """Return a positive `xsd:long`: blanks around it do not count."""
        text = self.text().strip(_BLANKS)
        if not _LONG.fullmatch(text) or not 0 < int(text) <= LONG_MAX:
            self.refuse(NOT_AN_ID)
        return int(text)

    def attribute(self, name: str) -> str | None:
        """Return an attribute that is tolerated, None where there is none."""
        return self._one().get(name)

    def _one(self) -> etree._Element:
        if len(self._elements) != 1:
            self.refuse("must come once")
        return self._elements[0]

    def _below(self, elements: Sequence[etree._Element], step: str) -> "XmlNode":
        return XmlNode(elements, self.path + step, self._namespace, self._tolerated)

    def _attributes(self, known: Sequence[str]) -> "dict[str, XmlNode]":
        """Return the attributes, each as an element of its text would be."""
        found = {}
        for name, value in self._one().attrib.items():
            qualified = etree.QName(str(name))
            if qualified.namespace == self._namespace and qualified.localname in known:
                stand_in = etree.Element(qualified)
                stand_in.text = str(value)
                found[qualified.localname] = self._below([stand_in], f"/@{qualified.localname}")
            elif name not in self._tolerated:
                self.refuse("has an attribute that is unknown or not qualified")
        return found

    def _children(self, wanted: Sequence[Member]) -> "dict[str, XmlNode]":
        element, at = self._one(), 0
        names = [member.name for member in wanted]
        found: dict[str, list[etree._Element]] = {}
        if _is_given(element.text) or any(_is_given(child.tail) for child in element):
            self.refuse("must hold no text")
        for child in element:
            qualified = etree.QName(child)
            name = qualified.localname
            if qualified.namespace != self._namespace:
                self.refuse(f"holds an element that is not in the namespace {self._namespace}")
            if name not in names:
                self.refuse(f"holds an unknown element; known: {', '.join(names)}")
            if names.index(name) < at:
                self.refuse(f"holds its elements in another order than {', '.join(names)}")
            at = names.index(name)
            if name in found and not wanted[at].repeated:
                self.refuse(f"holds {name} more than once")
            found.setdefault(name, []).append(child)
        return {name: self._below(elements, f"/{name}") for name, elements in found.items()}


def read_xml(body: bytes, namespace: str, name: str) -> XmlNode:
    """Return the root of the document in `body`: UTF-8, and of this name."""
    try:
        body.decode("utf-8")
        root = etree.fromstring(body, _parser())
    except (ValueError, etree.XMLSyntaxError):
        # The cause quotes the body: it is left behind.
        raise Violation(ROOT, "must be XML in UTF-8") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Violation(ROOT, "must have no DTD")
    if root.xpath("//processing-instruction()"):
        raise Violation(ROOT, "must hold no processing instructions")
    if root.tag != f"{{{namespace}}}{name}":
        raise Violation(ROOT, f"must be {name} in the namespace {namespace}")
    return XmlNode([root], f"/{name}", namespace)


def _parser() -> etree.XMLParser:
    # The encoding is the Content-Type's word; it outranks the document's own.
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
    )


def _is_given(text: str | None) -> bool:
    return bool(text and text.strip(_BLANKS))
