"""MONETA's SOAP for the sandbox, written and read by hand: no client of ours takes part.

Requests and replies have the members that they have in JSON, so that a test says them once.
"""

from xml.sax.saxutils import escape

from lxml import etree

from tests.support.providers.sandbox_requests import Members

SOAP_TYPE = "text/xml;charset=UTF-8"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://www.moneta.ru/schemas/messages.xsd"
WITHOUT_WWW = "http://moneta.ru/schemas/messages.xsd"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE = f"{OASIS}-wssecurity-secext-1.0.xsd"
PASSWORD_TEXT = f"{OASIS}-username-token-profile-1.0#PasswordText"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
NUMBERS = {"asyncId", "id"}


def envelope_xml(body: str, username: str = "sandbox", password: str = "sandbox") -> str:
    """Return an envelope around a body's text; `m` is MONETA's namespace."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:m="{MESSAGES}"><s:Header>'
        f'<w:Security xmlns:w="{WSSE}"><w:UsernameToken><w:Username>{username}</w:Username>'
        f'<w:Password Type="{PASSWORD_TEXT}">{password}</w:Password>'
        f"</w:UsernameToken></w:Security></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def as_soap(content: Members) -> bytes:
    """Return the SOAP request with the same members as one in JSON, in the same order."""
    envelope = content["Envelope"]
    token = envelope["Header"]["Security"]["UsernameToken"]
    [(name, request)] = envelope["Body"].items()
    body = element(name, request)
    return envelope_xml(body, token["Username"], token["Password"]).encode()


def element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(element(name, item) for item in value)
    if not isinstance(value, dict):
        return f"<m:{name}>{escape(str(value))}</m:{name}>"
    version = f' m:version="{value["version"]}"' if "version" in value else ""
    inner = "".join(element(each, value[each]) for each in value if each != "version")
    return f"<m:{name}{version}>{inner}</m:{name}>"


def body_of(answer: bytes) -> etree._Element:
    """Return what stands in a reply's body; raise where it is no SOAP 1.1."""
    root = etree.fromstring(answer)
    if root.tag != f"{{{SOAP}}}Envelope":
        message = "no envelope"
        raise ValueError(message)
    header, body = root
    assert (header.tag, body.tag) == (f"{{{SOAP}}}Header", f"{{{SOAP}}}Body")
    [content] = body
    return content


def as_members(answer: bytes) -> Members:
    """Return a reply's body as JSON would have it; a fault spelt otherwise is called `Fault`."""
    content = body_of(answer)
    name = etree.QName(content).localname
    if name == "Fault":
        assert content.tag == f"{{{SOAP}}}Fault"
        assert [etree.QName(each).localname for each in content] == [
            *("faultcode", "faultstring", "detail")
        ]
        spelt = [each for each in content.iter() if each.tag == f"{{{WITHOUT_WWW}}}faultDetail"]
        name = "Fault" if spelt else "fault"
    return {name: members(content)}


def members(node: etree._Element) -> object:
    if node.get(NIL) == "true":
        return None
    name = etree.QName(node).localname
    if not len(node):
        text = node.text or ""
        if name in {"detail", "profile"}:
            return {}
        if name in NUMBERS:
            return int(text)
        return {"true": True, "false": False}.get(text, text) if name != "value" else text
    found: Members = {}
    for child in node:
        inner, value = etree.QName(child).localname, members(child)
        if inner == "attribute":
            found[inner] = [*found.get(inner, []), value]
        else:
            found[inner] = value
    return found
