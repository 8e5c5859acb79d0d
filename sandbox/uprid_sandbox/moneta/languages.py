"""The languages of the one address: `Content-Type` decides which is spoken."""

from dataclasses import dataclass, field
from email.message import Message as Headers
from typing import Final, Protocol

from uprid_sandbox.answers import Page
from uprid_sandbox.moneta.acts import Nonsense
from uprid_sandbox.moneta.messages import Message
from uprid_sandbox.strict import Node, Violation

_CONTENT_TYPE: Final = "Content-Type"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request whose outer form is right; its body has not been read yet."""

    username: str
    password: str = field(repr=False)
    body: Node = field(repr=False)


class Language(Protocol):
    """A way to read a request and a way to write a reply."""

    #: As the counters name it.
    name: str
    #: In lower case, without parameters.
    media_type: str

    def open(self, body: bytes) -> Envelope:
        """Return the credentials and the unread body, or raise `Violation`."""

    def write(self, message: Message) -> Page:
        """Return a message as it goes out."""

    def babble(self, nonsense: Nonsense) -> Page:
        """Return what only looks like a reply."""


def media_type_of(content_type: str | None) -> str:
    """Return `text/xml` for `text/xml;charset=UTF-8`."""
    return _parsed(content_type).get_content_type()


def check_content_type(content_type: str | None, language: Language) -> None:
    """Raise `Violation` where the request does not say that it is in this language, in UTF-8."""
    header = _parsed(content_type)
    charset = str(header.get_param("charset", "")).upper()
    if header.get_content_type() != language.media_type or charset != "UTF-8":
        raise Violation(_CONTENT_TYPE, f"must be {language.media_type};charset=UTF-8")


def _parsed(content_type: str | None) -> Headers:
    header = Headers()
    header[_CONTENT_TYPE] = content_type or ""
    return header
