"""What the responder decides, before any language puts it into bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Any


class Manner(Flag):
    """How everything about a unit is written: none of it may matter to a client."""

    #: As another of the provider's pages spells it: in JSON a fault is called `Fault`, in SOAP
    #: the namespace has no `www`.
    OTHER_SPELLING = auto()
    #: Every object holds undocumented members.
    STRANGERS = auto()
    #: Some values are null, where the schema allows that.
    NULLS = auto()


PLAIN = Manner(0)


@dataclass(frozen=True, slots=True)
class Written:
    """A value that each language is made to write in a way of its own."""

    json: object
    #: The text of the element.
    xml: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: its name and what it holds, in the schema's order.

    Mappings are objects, lists repeat their name, None is a null, and a name that begins with @
    is an attribute where there are such things. The content may be personal: it is not shown.
    """

    name: str
    content: Mapping[str, Any] = field(repr=False)
    manner: Manner = PLAIN


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal of the whole request."""

    text: str
    #: Holds `faultDetail`, the code, and perhaps more.
    detail: Mapping[str, Any]
    manner: Manner = PLAIN


Message = Reply | Fault
