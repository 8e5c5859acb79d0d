"""A request's body, read and found valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from typing import Final
from urllib.parse import unquote_to_bytes

from uprid_sandbox.intellectmoney.forms import read_day
from uprid_sandbox.intellectmoney.methods import Method
from uprid_sandbox.intellectmoney.violations import Violation

_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_CHARSETS: Final = frozenset({"", "utf-8"})


@dataclass(frozen=True, slots=True)
class Request:
    """A method's parameters as they were sent, by the names that the pages print."""

    method: Method
    values: Mapping[str, str] = field(repr=False)

    def text(self, name: str) -> str:
        """Return a value, empty where it was not sent."""
        return self.values.get(name, "")

    def number(self, name: str, default: int) -> int:
        """Return a number."""
        return int(self.values.get(name, default))

    @property
    def key(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """Return what two requests for the same have in common: all but the UserToken."""
        asked = ((name, each) for name, each in self.values.items() if name != "UserToken")
        return self.method.kind, frozenset(asked)


def is_form(content_type: str | None) -> bool:
    """Return whether a request says that it is a form in UTF-8."""
    header = Headers()
    header["Content-Type"] = content_type or ""
    charset = str(header.get_param("charset", "")).lower()
    return header.get_content_type() == _MEDIA_TYPE and charset in _CHARSETS


def read_request(method: Method, body: bytes) -> Request:
    """Return what a body holds, or raise `Violation`. Names are taken in any case, as the page's.

    A value must say something: what is not to be sent is left out.
    """
    names = {name.lower(): name for name in method.forms}
    values: dict[str, str] = {}
    for sent, value in _pairs(body):
        name = names.get(sent.lower())
        if name is None:
            raise Violation("a parameter", f"is unknown; known: {', '.join(method.forms)}")
        if name in values:
            raise Violation(name, "came twice")
        if not method.forms[name](value):
            raise Violation(name, "is not written as it must be")
        values[name] = value
    for name in sorted(method.required - values.keys()):
        raise Violation(name, "must be sent")
    _check_days(values)
    return Request(method, values)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    pairs = []
    for pair in body.split(b"&") if body else []:
        name, given, value = pair.partition(b"=")
        if not given:
            raise Violation("the body", "is no form")
        pairs.append((_decoded(name), _decoded(value)))
    return pairs


def _decoded(sent: bytes) -> str:
    try:
        return unquote_to_bytes(sent.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Violation("the body", "is not UTF-8") from None


def _check_days(values: Mapping[str, str]) -> None:
    first, last = values.get("DateFrom"), values.get("DateTo")
    if first is not None and last is not None and read_day(first) > read_day(last):
        raise Violation("DateFrom", "must not be after DateTo")
