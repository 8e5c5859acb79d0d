"""What the schema lets through, and what it refuses, in SOAP; beside the real schema."""

import re

import pytest
from lxml import etree

from tests.support.providers.moneta_schema import real_schema
from tests.support.providers.sandbox_requests import personal_information, submit
from tests.support.providers.sandbox_soap import (
    MESSAGES,
    PASSWORD_TEXT,
    SOAP_TYPE,
    as_soap,
    envelope_xml,
)
from uprid_sandbox.moneta.requests import Bare, PersonalData, Poll, ProfileCheck, Request, Submit
from uprid_sandbox.moneta.schema import read_request
from uprid_sandbox.moneta.server import language_of
from uprid_sandbox.strict import Violation

UNIT = 11_000
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def read(document: str) -> Request:
    return read_request(language_of(SOAP_TYPE).open(document.encode()).body)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return real_schema()


def allows(schema: etree.XMLSchema, body: str) -> bool:
    return bool(schema.validate(etree.fromstring(bare(body))))


def bare(body: str) -> str:
    """Return the only element of a body as a document of its own."""
    return re.sub(r"(<[\w:]+)", rf'\1 xmlns:m="{MESSAGES}" xmlns:xsi="{XSI}"', body, count=1)


def enveloped(body: str) -> str:
    return envelope_xml(bare(body))


def asynchronous(inner: str) -> str:
    return f"<m:AsyncRequest>{inner}</m:AsyncRequest>"


def identification(inner: str) -> str:
    inside = f"<m:SimplifiedIdentificationRequest>{inner}</m:SimplifiedIdentificationRequest>"
    return asynchronous(inside)


def personal(inner: str) -> str:
    return identification(f"<m:personalInformation>{inner}</m:personalInformation>")


def attribute(inner: str = "<m:key>inn</m:key><m:value>501716749325</m:value>") -> str:
    inside = f"<m:attribute>{inner}</m:attribute>"
    return personal(f"<m:profile>{inside}</m:profile>")


def document(inner: str) -> str:
    return personal(f"<m:profile/><m:document>{inner}</m:document>")


POLL = asynchronous("<m:asyncId>37027</m:asyncId>")
PROFILE = (
    '<m:GetProfileInfoRequest m:version="VERSION_2"><m:unitId>5</m:unitId>'
    "</m:GetProfileInfoRequest>"
)
EMPTY_SUBMIT = "<m:SimplifiedIdentificationRequest/>"
CALLBACK = "<m:callbackUrl>https://shop.example/done</m:callbackUrl>"
INN = PersonalData({"inn": "501716749325"}, {})


def submitted(data: PersonalData | None = None, unit_id: int | None = None) -> Submit:
    return Submit(unit_id, data, None)


ALLOWED = [
    pytest.param(POLL, Poll(37_027), id="poll"),
    pytest.param(asynchronous("<m:asyncId> +07\n</m:asyncId>"), Poll(7), id="long-with-blanks"),
    pytest.param(asynchronous("<m:asyncId>1<!-- -->2</m:asyncId>"), Poll(12), id="comment"),
    pytest.param(asynchronous("\n <m:asyncId>1</m:asyncId>\n"), Poll(1), id="indented"),
    pytest.param(PROFILE, ProfileCheck(5, None, 2), id="profile"),
    pytest.param("<m:GetProfileInfoRequest/>", ProfileCheck(None, None, 1), id="own-profile"),
    pytest.param(EMPTY_SUBMIT, Bare(), id="not-async"),
    pytest.param(
        identification(f"<m:unitId>{UNIT}</m:unitId>"), submitted(unit_id=UNIT), id="unit"
    ),
    pytest.param(asynchronous(EMPTY_SUBMIT), submitted(), id="nothing"),
    pytest.param(
        asynchronous(EMPTY_SUBMIT + CALLBACK),
        Submit(None, None, "https://shop.example/done"),
        id="callback",
    ),
    pytest.param(attribute(), submitted(INN), id="attribute"),
    pytest.param(personal("<m:profile/>"), submitted(PersonalData({}, {})), id="empty-profile"),
    pytest.param(
        attribute('<m:key>inn</m:key><m:value xsi:nil="true"/>'),
        submitted(PersonalData({"inn": None}, {})),
        id="nil-clears",
    ),
    pytest.param(
        attribute('<m:key>inn</m:key><m:value xsi:nil="0">501716749325</m:value>'),
        submitted(INN),
        id="not-nil",
    ),
    pytest.param(
        attribute(
            "<m:key>inn</m:key><m:value>501716749325</m:value>"
            "<m:approved>1</m:approved><m:published> false </m:published>"
        ),
        submitted(INN),
        id="flags",
    ),
    pytest.param(
        document(
            "<m:id>3</m:id><m:type>PASSPORT</m:type><m:attribute><m:key>SERIES</m:key>"
            "<m:value>0001</m:value></m:attribute><m:hasAttachedFiles>0</m:hasAttachedFiles>"
        ),
        submitted(PersonalData({}, {"series": "0001"}, "PASSPORT", 3)),
        id="document",
    ),
]


@pytest.mark.parametrize(("body", "request_read"), ALLOWED)
def test_request_is_read_when_the_schema_allows_it(body: str, request_read: Request) -> None:
    assert read(enveloped(body)) == request_read


@pytest.mark.parametrize(("body", "_request_read"), ALLOWED)
def test_real_schema_allows_what_is_read(
    schema: etree.XMLSchema, body: str, _request_read: Request
) -> None:
    assert allows(schema, body)


REFUSED = [
        pytest.param("<m:AsyncRequest/>", id="empty-async"),
        pytest.param("<m:NoSuchRequest/>", id="unknown-request"),
        pytest.param(POLL.replace("AsyncRequest", 'AsyncRequest m:version="VERSION_2"', 1),
                     id="version-on-async"),
        pytest.param('<m:SimplifiedIdentificationRequest m:version="VERSION_2"/>',
                     id="version-on-identification"),
        pytest.param('<m:GetProfileInfoRequest version="VERSION_2"/>', id="version-unqualified"),
        pytest.param('<m:GetProfileInfoRequest m:version="VERSION_6"/>', id="version-unknown"),
        pytest.param('<m:GetProfileInfoRequest m:version="2"/>', id="version-number"),
        pytest.param('<m:GetProfileInfoRequest m:version=" VERSION_2"/>', id="version-with-blank"),
        pytest.param("<m:GetProfileInfoRequest><m:version>VERSION_2</m:version>"
                     "</m:GetProfileInfoRequest>", id="version-as-element"),
        pytest.param("<m:GetProfileInfoRequest><m:parentId>2</m:parentId>"
                     "</m:GetProfileInfoRequest>", id="parent-id"),
        pytest.param("<m:GetProfileInfoRequest><m:profileId>2</m:profileId><m:unitId>2</m:unitId>"
                     "</m:GetProfileInfoRequest>", id="profile-id-before-unit-id"),
        pytest.param(asynchronous("<asyncId>1</asyncId>"), id="element-unqualified"),
        pytest.param(asynchronous('<asyncId xmlns="http://moneta.ru/schemas/messages.xsd">1</asyncId>'),
                     id="element-without-www"),
        pytest.param(asynchronous("<m:asyncId/>"), id="async-id-empty"),
        pytest.param(asynchronous("<m:asyncId>x</m:asyncId>"), id="async-id-text"),
        pytest.param(asynchronous("<m:asyncId>1.0</m:asyncId>"), id="async-id-decimal"),
        pytest.param(asynchronous("<m:asyncId>1 2</m:asyncId>"), id="async-id-two-words"),
        pytest.param(asynchronous("<m:asyncId>٣</m:asyncId>"), id="async-id-foreign-digit"),
        pytest.param(asynchronous(f"<m:asyncId>{2**63}</m:asyncId>"), id="async-id-too-long"),
        pytest.param(asynchronous('<m:asyncId xsi:nil="true"/>'), id="async-id-nil"),
        pytest.param(asynchronous("<m:asyncId><m:asyncId>1</m:asyncId></m:asyncId>"),
                     id="async-id-with-element"),
        pytest.param(asynchronous("<m:asyncId>1</m:asyncId><m:asyncId>1</m:asyncId>"),
                     id="async-id-twice"),
        pytest.param(asynchronous("1<m:asyncId>1</m:asyncId>"), id="text-before"),
        pytest.param(asynchronous("<m:asyncId>1</m:asyncId>."), id="text-after"),
        pytest.param(asynchronous(EMPTY_SUBMIT + "<m:asyncId>1</m:asyncId>"), id="both-at-once"),
        pytest.param(asynchronous("<m:asyncId>1</m:asyncId>" + CALLBACK), id="callback-on-poll"),
        pytest.param(asynchronous(CALLBACK), id="callback-alone"),
        pytest.param(asynchronous(CALLBACK + EMPTY_SUBMIT), id="callback-first"),
        pytest.param(asynchronous(EMPTY_SUBMIT + EMPTY_SUBMIT), id="two-identifications"),
        pytest.param(identification("<m:unitid>5</m:unitid>"), id="unit-id-misspelt"),
        pytest.param(identification("<m:unitId>5</m:unitId><m:unitId>5</m:unitId>"),
                     id="unit-id-twice"),
        pytest.param(
            identification("<m:personalInformation><m:profile/></m:personalInformation>"
                           "<m:unitId>5</m:unitId>"), id="unit-id-last"),
        pytest.param(
            identification("<m:unitId>5</m:unitId><m:attribute><m:key>a</m:key><m:value/>"
                           "</m:attribute>"), id="attribute-after-unit-id"),
        pytest.param(personal(""), id="no-profile"),
        pytest.param(personal("<m:document/><m:profile/>"), id="document-first"),
        pytest.param(attribute("<m:value>501716749325</m:value><m:key>inn</m:key>"),
                     id="value-before-key"),
        pytest.param(attribute("<m:key>inn</m:key>"), id="no-value"),
        pytest.param(attribute("<m:key>inn</m:key><m:value><b/></m:value>"), id="element-in-value"),
        pytest.param(attribute("<m:key>inn</m:key><m:value/><m:approved>yes</m:approved>"),
                     id="approved-yes"),
        pytest.param(attribute("<m:key>inn</m:key><m:value/><m:approved>True</m:approved>"),
                     id="approved-capital"),
        pytest.param(attribute("<m:key>inn</m:key><m:value/><m:published>1</m:published>"
                               "<m:approved>1</m:approved>"), id="published-before-approved"),
        pytest.param(attribute('<m:key>inn</m:key><m:value xsi:nil="true">1</m:value>'),
                     id="nil-with-text"),
        pytest.param(attribute('<m:key>inn</m:key><m:value xsi:nil="yes"/>'), id="nil-yes"),
        pytest.param(attribute('<m:key>inn</m:key><m:value id="5"/>'), id="unknown-attribute"),
        pytest.param(attribute('<m:key xsi:nil="true"/><m:value/>'), id="key-nil"),
        pytest.param(document("<m:type>PASSPORT</m:type><m:id>1</m:id>"), id="type-before-id"),
        pytest.param(document("<m:type>passport</m:type>"), id="type-lower-case"),
        pytest.param(document("<m:type>PASSPORT </m:type>"), id="type-with-blank"),
        pytest.param(document("<m:hasAttachedFiles/>"), id="files-empty"),
        pytest.param(document("<m:hasAttachedFiles>0</m:hasAttachedFiles><m:id>1</m:id>"),
                     id="files-first"),
]  # fmt: skip


@pytest.mark.parametrize("body", REFUSED)
def test_request_is_refused_when_the_schema_refuses_it(body: str) -> None:
    with pytest.raises(Violation):
        read(enveloped(body))


@pytest.mark.parametrize("body", REFUSED)
def test_real_schema_refuses_what_is_refused(schema: etree.XMLSchema, body: str) -> None:
    assert not allows(schema, body)


SENSELESS = [
    pytest.param(asynchronous("<m:asyncId>0</m:asyncId>"), id="async-id-zero"),
    pytest.param(asynchronous("<m:asyncId>-1</m:asyncId>"), id="async-id-negative"),
    pytest.param(attribute("<m:key>middle_name</m:key><m:value/>"), id="key-unknown"),
    pytest.param(attribute("<m:key>inn</m:key><m:value>1</m:value>"), id="inn-short"),
    pytest.param(attribute("<m:key>inn</m:key><m:value/>"), id="inn-empty"),
    pytest.param(
        attribute(
            "<m:key>inn</m:key><m:value>501716749325</m:value><m:fromPrototype>1</m:fromPrototype>"
        ),
        id="from-prototype",
    ),
    pytest.param(asynchronous("<m:PingRequest/>"), id="request-that-we-never-send"),
]


@pytest.mark.parametrize("body", SENSELESS)
def test_request_is_refused_when_it_is_allowed_and_senseless(body: str) -> None:
    with pytest.raises(Violation):
        read(enveloped(body))


@pytest.mark.parametrize("body", SENSELESS)
def test_real_schema_allows_what_is_senseless(schema: etree.XMLSchema, body: str) -> None:
    assert allows(schema, body)


GOOD = envelope_xml(POLL)
SECURITY = GOOD[GOOD.index("<w:Security") : GOOD.index("</s:Header>")]
SOAP_1_2 = "http://www.w3.org/2003/05/soap-envelope"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("", id="nothing"),
        pytest.param(GOOD[:-1], id="unfinished"),
        pytest.param(GOOD + "x", id="trailing-text"),
        pytest.param("<!DOCTYPE a>" + GOOD, id="dtd"),
        pytest.param('<!DOCTYPE a [<!ENTITY n "1">]>' + GOOD.replace("37027", "&n;"), id="entity"),
        pytest.param(GOOD.replace("37027", "3<?a b?>7"), id="processing-instruction"),
        pytest.param(GOOD.replace("Envelope", "envelope"), id="envelope-in-lower-case"),
        pytest.param(
            GOOD.replace("http://schemas.xmlsoap.org/soap/envelope/", SOAP_1_2), id="soap-1.2"
        ),
        pytest.param(POLL.replace("<m:A", f'<m:A xmlns:m="{MESSAGES}" ', 1), id="no-envelope"),
        pytest.param(GOOD.replace("www.", ""), id="namespace-without-www"),
        pytest.param(GOOD.replace(SECURITY, ""), id="empty-header"),
        pytest.param(GOOD.replace(f"<s:Header>{SECURITY}</s:Header>", ""), id="no-header"),
        pytest.param(GOOD.replace(SECURITY, SECURITY * 2), id="security-twice"),
        pytest.param(GOOD.replace(SECURITY, f"{SECURITY}<m:version/>"), id="unknown-header"),
        pytest.param(GOOD.replace("wss-wssec", "wss-wsse"), id="security-in-another-namespace"),
        pytest.param(GOOD.replace("#PasswordText", "#PasswordDigest"), id="digest"),
        pytest.param(GOOD.replace(' Type="', ' w:Type="'), id="type-qualified"),
        pytest.param(
            GOOD.replace("</w:Password>", "</w:Password><w:Nonce>1</w:Nonce>"), id="nonce"
        ),
        pytest.param(GOOD.replace("<w:Username>sandbox</w:Username>", ""), id="no-username"),
        pytest.param(GOOD.replace("<s:Body>", "<s:Body>x"), id="text-in-body"),
        pytest.param(GOOD.replace(POLL, ""), id="empty-body"),
        pytest.param(GOOD.replace(POLL, POLL * 2), id="two-requests-of-a-kind"),
        pytest.param(GOOD.replace(POLL, POLL + PROFILE), id="two-requests"),
        pytest.param(GOOD.replace("<s:Body>", '<s:Body s:encodingStyle="x">'), id="encoding-style"),
    ],
)
def test_request_is_refused_when_its_envelope_is_wrong(document: str) -> None:
    with pytest.raises(Violation):
        read(document)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param('<?xml version="1.0" encoding="UTF-8"?>\n' + GOOD, id="declaration"),
        pytest.param("\ufeff" + GOOD, id="byte-order-mark"),
        pytest.param(
            GOOD.replace("<w:Security", '<w:Security s:mustUnderstand="1"'), id="must-understand"
        ),
        pytest.param(GOOD.replace(f' Type="{PASSWORD_TEXT}"', ""), id="password-without-type"),
        pytest.param(GOOD.replace("><", ">\n  <"), id="indented"),
        pytest.param(GOOD.replace("m:", "other:").replace("xmlns:m", "xmlns:other"), id="prefix"),
    ],
)
def test_request_is_read_when_its_envelope_is_unusual_but_right(document: str) -> None:
    assert read(document) == Poll(37_027)


def test_request_is_refused_when_it_is_not_in_utf_8() -> None:
    body = enveloped(attribute("<m:key>alias</m:key><m:value>Ж</m:value>"))
    declared = '<?xml version="1.0" encoding="windows-1251"?>' + body
    with pytest.raises(Violation, match="UTF-8"):
        language_of(SOAP_TYPE).open(declared.encode("cp1251"))


def test_external_entity_is_never_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("outside") / "id"
    secret.write_text("37027")
    dtd = f'<!DOCTYPE a [<!ENTITY n SYSTEM "{secret.as_uri()}">]>'
    with pytest.raises(Violation, match="DTD"):
        read(dtd + GOOD.replace("37027", "&n;"))


def test_violation_names_the_path_and_never_quotes_what_was_sent() -> None:
    with pytest.raises(Violation) as caught:
        read(enveloped(asynchronous("<m:Секрет>тайна</m:Секрет>")))
    assert str(caught.value).startswith("/Envelope/Body/AsyncRequest: holds an unknown element")
    assert "тайна" not in str(caught.value)
    assert "Секрет" not in str(caught.value)


def test_submit_is_read_alike_in_both_languages() -> None:
    read_submit = read(as_soap(submit(UNIT, personal_information())).decode())
    assert isinstance(read_submit, Submit)
    assert read_submit.personal is not None
    assert read_submit.personal.profile["snils"] == "112-233-445 95"
    assert read_submit.personal.document["series"] == "0001"
    assert "Образцов" not in repr(read_submit)
