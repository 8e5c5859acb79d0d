"""Reads XML from outside: nothing is fetched or expanded, and only known elements are looked at.

Elements are known by their local names, because providers change their namespaces and leave them
out. Those of a foreign namespace are not the provider's, even under a known name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from worker.providers.transport.blanks import bare_xml

#: Reads one element into plain values. What does not have the form of its type stays the text that
#: it is, for the model behind to refuse.
Read = Callable[[etree._Element], Any]  # noqa: SLF001 -- the only name that lxml has for it

_BLANK: Final = " \t\r\n"
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class NotXml(ValueError):
    """The bytes are no XML, or hold a document type."""


class Misshapen(ValueError):
    """Known elements stand where or as they must not; the text quotes nothing."""


@dataclass(frozen=True, slots=True)
class Each:
    """An element that may stand any number of times."""

    read: Read


Shape = Mapping[str, Read | Each]


def parse(content: bytes) -> etree._Element:
    """Return the root, comments and processing instructions dropped; raise `NotXml`.

    The encoding is the declared one; blanks before the declaration are dropped. A document type is
    refused, so that no entity is left to expand; deep trees and swelling entities are refused by
    libxml2 itself.
    """
    # A parser of its own costs 2 µs; a shared one would have threads wait for each other.
    # Never `collect_ids=False`: with it libxml2 opens the file that a document type names.
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(bare_xml(content), parser)
    except etree.XMLSyntaxError:
        # `from None`: the cause quotes what it could not read.
        raise NotXml from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotXml
    return root


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text(element: etree._Element) -> str:
    """Read character data."""
    if len(element):
        message = "wrong types"
        raise Misshapen(message)
    return element.text or ""


def boolean(element: etree._Element) -> bool | str:
    """Read an `xsd:boolean`, which has four writings."""
    value = text(element).strip(_BLANK)
    return _BOOLEANS.get(value, value)


def integer(element: etree._Element) -> int | str:
    """Read an `xsd:long`."""
    value = text(element).strip(_BLANK)
    return int(value) if _INTEGER.fullmatch(value) else value


def token(element: etree._Element) -> str:
    """Read what may stand between blanks, such as an `xsd:dateTime`."""
    return text(element).strip(_BLANK)


def members(shape: Shape, *, own: frozenset[str] | None = frozenset()) -> Read:
    """Return a reader of an element's known children, by name.

    Children belong to their parent's namespace, to none, or to one of `own`; None: to any.
    Nil children read as None. Raises `Misshapen` where one that stands once stands twice.
    """

    def read(element: etree._Element) -> dict[str, Any]:
        namespaces = None if own is None else own | {"", str(element.tag).rpartition("}")[0][1:]}
        found: dict[str, Any] = {}
        for child in element:
            space, _, name = str(child.tag).rpartition("}")
            known = shape.get(name)
            if known is None or not (namespaces is None or space[1:] in namespaces):
                continue
            if isinstance(known, Each):
                found.setdefault(name, []).append(_value(child, known.read))
            elif name in found:
                message = "a name is given twice"
                raise Misshapen(message)
            else:
                found[name] = _value(child, known)
        return found

    return read


def _value(element: etree._Element, read: Read) -> Any:  # noqa: ANN401 - what the reader makes of it
    return None if _is_nil(element) else read(element)


def _is_nil(element: etree._Element) -> bool:
    return element.get(_NIL, "").strip(_BLANK) in {"true", "1"}
