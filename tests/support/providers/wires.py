"""The languages that MONETA speaks, for tests: replies are written and requests read by hand.

Documents are the JSON ones of `tests.support.providers.moneta`; over SOAP their members are
elements.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from lxml import etree

from tests.support.loopback.http_stub import Answer, Asked
from tests.support.providers.moneta import PASSWORD

MESSAGES: Final = "http://www.moneta.ru/schemas/messages.xsd"
ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
SECURITY: Final = f"{_WSS}-wssecurity-secext-1.0.xsd"
PASSWORD_TEXT: Final = f"{_WSS}-username-token-profile-1.0#PasswordText"
NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
#: Members whose value is a number.
_NUMBERS: Final = frozenset({"asyncId", "unitId", "id"})


class Wire(Protocol):
    """One of the languages."""

    @property
    def name(self) -> str:
        """As the setting names it."""

    @property
    def fault_status(self) -> int:
        """The HTTP status that a fault comes with."""

    def written(self, document: object) -> bytes:
        """Write a reply."""

    def said(self, document: object, status: int = 200, **headers: str) -> Answer:
        """Return an answer."""

    def body(self, asked: Asked) -> dict[str, Any]:
        """Return what a request asks for, and hold everything around it against the protocol."""


class Json:
    """Requests and replies in JSON."""

    name = "json"
    fault_status = 400

    def written(self, document: object) -> bytes:
        return json.dumps(document).encode()

    def said(self, document: object, status: int = 200, **headers: str) -> Answer:
        named = {"Content-Type": "application/json;charset=UTF-8", **_named(headers)}
        return Answer(self.written(document), status, named)

    def body(self, asked: Asked) -> dict[str, Any]:
        assert asked.headers["content-type"] == "application/json;charset=UTF-8"
        [envelope] = asked.json.values()
        assert list(envelope) == ["Header", "Body"]
        token = {"Username": "user", "Password": PASSWORD}
        assert envelope["Header"] == {"Security": {"UsernameToken": token}}
        body: dict[str, Any] = envelope["Body"]
        return body


class Soap:
    """Requests and replies in SOAP 1.1."""

    name = "soap"
    fault_status = 500

    def written(self, document: object) -> bytes:
        assert isinstance(document, dict)
        [(name, content)] = document.items()
        return as_bytes(_reply(name, content))

    def said(self, document: object, status: int = 200, **headers: str) -> Answer:
        named = {"Content-Type": "text/xml;charset=UTF-8", **_named(headers)}
        return Answer(self.written(document), status, named)

    def body(self, asked: Asked) -> dict[str, Any]:
        assert asked.headers["content-type"] == "text/xml;charset=UTF-8"
        assert asked.headers["soapaction"] == '""'
        envelope = etree.fromstring(asked.body)
        assert [part.tag for part in (envelope, *envelope)] == [
            f"{{{ENVELOPE}}}{name}" for name in ("Envelope", "Header", "Body")
        ]
        header, body = envelope
        _assert_token(header)
        [message] = body
        return {etree.QName(message).localname: _members(message)}


def as_bytes(element: etree._Element, encoding: str = "UTF-8") -> bytes:
    """Write a document with its declaration."""
    written = etree.tostring(element, xml_declaration=True, encoding=encoding)
    assert isinstance(written, bytes)
    return written


def element(name: str, content: object, namespace: str | None = MESSAGES) -> etree._Element:
    """Write a JSON member as the element that it stands for."""
    made = etree.Element(name if namespace is None else f"{{{namespace}}}{name}")
    if isinstance(content, Mapping):
        for key, inner in content.items():
            for item in inner if isinstance(inner, list) else [inner]:
                made.append(element(key, item, namespace))
    elif content is None:
        made.set(NIL, "true")
    else:
        made.text = str(content).lower() if isinstance(content, bool) else str(content)
    return made


def _reply(name: str, content: Any) -> etree._Element:  # noqa: ANN401 -- a test may pass anything
    if name in {"fault", "Fault"}:
        return _fault(name, content)
    if name not in {"Envelope", "Body"}:
        return element(name, content)
    made = etree.Element(f"{{{ENVELOPE}}}{name}")
    for key, inner in content.items():
        made.append(_reply(key, inner))
    return made


def _fault(name: str, content: Mapping[str, Any]) -> etree._Element:
    """SOAP's own members of a fault have no namespace."""
    made = etree.Element(f"{{{ENVELOPE}}}{name}")
    for key, inner in content.items():
        if key == "detail":
            detail = element(key, inner)
            detail.tag = "detail"
            made.append(detail)
        else:
            made.append(element(key, inner, None))
    return made


def _assert_token(header: etree._Element) -> None:
    """Nothing but name and password: no nonce, no time."""
    tags = [part.tag for part in header.iter()]
    assert tags[1:] == [
        f"{{{SECURITY}}}{name}" for name in ("Security", "UsernameToken", "Username", "Password")
    ]
    username, password = header[0][0]
    assert (username.text, username.items()) == ("user", [])
    assert (password.text, password.items()) == (PASSWORD, [("Type", PASSWORD_TEXT)])


def _members(parent: etree._Element) -> Any:  # noqa: ANN401 -- text or members
    """Read an element back as the JSON member that it stands for."""
    name = etree.QName(parent)
    assert name.namespace == MESSAGES
    assert not parent.attrib
    if not len(parent):
        return int(parent.text or "") if name.localname in _NUMBERS else parent.text
    members: dict[str, Any] = {}
    for child in parent:
        key = etree.QName(child).localname
        if key == "attribute":
            members.setdefault(key, []).append(_members(child))
        else:
            assert key not in members
            members[key] = _members(child)
    return members


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


JSON: Final[Wire] = Json()
SOAP: Final[Wire] = Soap()
