"""MerchantAPI in SOAP 1.1, document/literal."""

from collections.abc import Mapping
from typing import Final, assert_never

from lxml import etree

from uprid_sandbox.answers import Page
from uprid_sandbox.moneta.acts import Nonsense
from uprid_sandbox.moneta.languages import Envelope
from uprid_sandbox.moneta.messages import Fault, Manner, Message, Reply, Written
from uprid_sandbox.moneta.xml_reading import NIL, XmlNode, read_xml

SOAP_TYPE: Final = "text/xml;charset=UTF-8"
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES: Final = "http://www.moneta.ru/schemas/messages.xsd"
#: As some of the provider's pages write it.
_WITHOUT_WWW: Final = "http://moneta.ru/schemas/messages.xsd"
_OASIS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE: Final = f"{_OASIS}-wssecurity-secext-1.0.xsd"
WSU: Final = f"{_OASIS}-wssecurity-utility-1.0.xsd"
PASSWORD_TEXT: Final = f"{_OASIS}-username-token-profile-1.0#PasswordText"
#: What tools put into the header; `Type` has no namespace by its own specification.
_TOLERATED: Final = frozenset({f"{{{SOAP}}}mustUnderstand", f"{{{SOAP}}}actor", f"{{{WSU}}}Id"})
_TYPE: Final = "Type"
_NIL_NAMESPACE: Final = etree.QName(NIL).namespace
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"
#: Entities that grow tenfold each; a reader that resolves them is lost.
_LAUGHS: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_HOSTILE: Final = (
    f'<!DOCTYPE e [<!ENTITY l0 "ha"><!ENTITY x SYSTEM "file:///dev/null">{_LAUGHS}]><e>&x;&l9;</e>'
)


class SoapLanguage:
    """Faults come with HTTP 500, as SOAP 1.1 wants it and recorded traffic shows."""

    name = "soap"
    media_type = "text/xml"

    def open(self, body: bytes) -> Envelope:
        """Return the credentials and the unread body, or raise `Violation`."""
        envelope = read_xml(body, SOAP, "Envelope").parts("Header", "Body")
        header = envelope["Header"].within(WSSE, _TOLERATED)
        token = header.parts("Security")["Security"].parts("UsernameToken")["UsernameToken"]
        secrets = token.parts("Username", "Password")
        password = _password(secrets["Password"])
        return Envelope(secrets["Username"].text(), password, envelope["Body"].within(MESSAGES))

    def write(self, message: Message) -> Page:
        """Return a message in its envelope."""
        plain = Manner.OTHER_SPELLING not in message.manner
        namespace = MESSAGES if plain else _WITHOUT_WWW
        match message:
            case Reply(name=name, content=content):
                response = etree.Element(f"{{{namespace}}}{name}", nsmap={"ns2": namespace})
                _fill(response, content, namespace)
                return _enveloped(response, status=200)
            case Fault():
                return _enveloped(_fault(message, namespace), status=500)
            case _:
                assert_never(message)

    def babble(self, nonsense: Nonsense) -> Page:
        """Return what only looks like a reply."""
        match nonsense:
            case Nonsense.GARBAGE:
                return Page(200, b"\x00\xff<]", SOAP_TYPE)
            case Nonsense.EMPTY:
                return Page(200, b"", SOAP_TYPE)
            case Nonsense.NO_ENVELOPE:
                return Page(200, b"<status>ok</status>", SOAP_TYPE)
            case Nonsense.HOSTILE:
                return Page(200, _HOSTILE.encode(), SOAP_TYPE)
            case _:
                assert_never(nonsense)


def _password(node: XmlNode) -> str:
    typed = node.within(WSSE, _TOLERATED | {_TYPE})
    # Left out, it means PasswordText.
    if typed.attribute(_TYPE) not in {None, PASSWORD_TEXT}:
        node.refuse("must be of the type PasswordText")
    return typed.text()


def _fault(fault: Fault, namespace: str) -> etree._Element:
    element = etree.Element(f"{{{SOAP}}}Fault", nsmap={"SOAP-ENV": SOAP})
    # SOAP 1.1's own three have no namespace.
    etree.SubElement(element, "faultcode").text = "SOAP-ENV:Client"
    faultstring = etree.SubElement(element, "faultstring", {_LANGUAGE: "ru"})
    faultstring.text = fault.text
    _fill(etree.SubElement(element, "detail", nsmap={"ns2": namespace}), fault.detail, namespace)
    return element


def _fill(element: etree._Element, value: object, namespace: str) -> None:
    match value:
        case Mapping():
            for name, inner in value.items():
                _put(element, str(name), inner, namespace)
        case None:
            element.set(NIL, "true")
        case Written(xml=text):
            element.text = text
        case bool():
            element.text = "true" if value else "false"
        case _:
            element.text = str(value)


def _put(element: etree._Element, name: str, value: object, namespace: str) -> None:
    if name.startswith("@"):
        element.set(f"{{{namespace}}}{name[1:]}", str(value))
        return
    for item in value if isinstance(value, list) else [value]:
        _fill(etree.SubElement(element, f"{{{namespace}}}{name}"), item, namespace)


def _enveloped(response: etree._Element, status: int) -> Page:
    envelope = etree.Element(
        f"{{{SOAP}}}Envelope", nsmap={"SOAP-ENV": SOAP, "xsi": str(_NIL_NAMESPACE)}
    )
    etree.SubElement(envelope, f"{{{SOAP}}}Header")
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(response)
    # Without a declaration, so that blanks may come before it.
    return Page(status, etree.tostring(envelope, encoding="unicode").encode(), SOAP_TYPE)
