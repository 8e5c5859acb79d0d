"""What we send and describe beside the real schema of June 2022: its members, in its order."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import etree

from tests.support.loopback.http_stub import Asked, HttpStub
from tests.support.providers.moneta import (
    ASYNC_ID,
    PERSON,
    SIMPLIFIED,
    profile,
    result,
    settings,
    ticket,
    work,
)
from tests.support.providers.wires import ENVELOPE, JSON, SOAP, Wire, element
from uprid_client.contract.states import State
from worker.providers.moneta.faults import MEANINGS
from worker.providers.moneta.plugin import MonetaPlugin

ROOT: Final = Path(__file__).resolve().parents[3]
OURS: Final = ROOT / "worker" / "providers" / "moneta" / "merchant.wsdl"
REAL: Final = ROOT.parent / "shared" / "sources" / "moneta-merchant-api-2022.wsdl"
_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}"

needs_real = pytest.mark.skipif(
    not REAL.exists(), reason=f"the real interface is not at {REAL}: nothing was compared with it"
)


def schema_of(wsdl: Path) -> etree.XMLSchema:
    """Return the schema that lies inside an interface, compiled."""
    inside = etree.parse(str(wsdl)).find(f".//{_XSD}schema")
    assert inside is not None
    return etree.XMLSchema(etree.fromstring(etree.tostring(inside)))


@pytest.fixture(
    scope="module",
    params=[pytest.param(OURS, id="ours"), pytest.param(REAL, id="real", marks=needs_real)],
)
def schema(request: pytest.FixtureRequest) -> etree.XMLSchema:
    return schema_of(request.param)


def sent(
    wire: Wire, payload: Mapping[str, Any] | None = None, **changes: Any
) -> tuple[Asked, Asked, Asked]:
    """Return what a submit, a poll and a look at the profile send."""
    answers = (wire.said(ticket()), wire.said(ticket()), wire.said(profile(SIMPLIFIED)))
    with HttpStub(*answers) as stub:
        plugin = MonetaPlugin(settings(stub.url, transport=wire.name, **changes))
        try:
            plugin.submit(work(State.SUBMITTING, payload=payload))
            plugin.poll(work())
            plugin.clear_up(work())
        finally:
            plugin.close()
        submit, poll, look = stub.asked
    return submit, poll, look


def messages(wire: Wire, asked: tuple[Asked, ...]) -> Iterator[etree._Element]:
    """Return the messages: over JSON as the elements that their members stand for."""
    for each in asked:
        if wire is SOAP:
            body = etree.fromstring(each.body).find(f"{{{ENVELOPE}}}Body")
            assert body is not None
            yield body[0]
        else:
            [(name, members)] = wire.body(each).items()
            yield element(name, members)


LEAST: Final = {
    "profile": {k: PERSON["profile"][k] for k in ("last_name", "first_name", "inn")},
    "document": {k: PERSON["document"][k] for k in ("number", "series")},
}


@pytest.mark.parametrize("wire", [JSON, SOAP], ids=["json", "soap"])
@pytest.mark.parametrize(
    ("payload", "changes"),
    [
        pytest.param(None, {}, id="stored data"),
        pytest.param(PERSON, {}, id="all data"),
        pytest.param(PERSON, {"callback_url": "https://shop.example/moneta"}, id="callback"),
        pytest.param(LEAST, {}, id="least data, in any order"),
    ],
)
def test_messages_hold_exactly_what_the_schema_allows(
    schema: etree.XMLSchema,
    wire: Wire,
    payload: Mapping[str, Any] | None,
    changes: dict[str, Any],
) -> None:
    asked = sent(wire, payload, **changes)

    for message, name in zip(
        messages(wire, asked),
        ("AsyncRequest", "AsyncRequest", "GetProfileInfoRequest"),
        strict=True,
    ):
        assert etree.QName(message).localname == name
        schema.assertValid(message)


@pytest.mark.parametrize("wire", [JSON, SOAP], ids=["json", "soap"])
def test_messages_carry_no_version(wire: Wire) -> None:
    for asked in sent(wire, PERSON):
        assert b"VERSION" not in asked.body
        assert b"ersion=" not in asked.body.partition(b"?>")[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("AsyncRequest", {"asyncId": ASYNC_ID, "version": "VERSION_2"}, id="version"),
        pytest.param(
            "AsyncRequest",
            {"SimplifiedIdentificationRequest": {"unitId": 1}, "asyncId": ASYNC_ID},
            id="both at once",
        ),
        pytest.param("AsyncRequest", {"asyncId": "x"}, id="no number"),
        pytest.param("GetProfileInfoRequest", {"unitId": 1, "parentId": 2}, id="parentId"),
        pytest.param(
            "AsyncRequest",
            {
                "callbackUrl": "https://shop.example",
                "SimplifiedIdentificationRequest": {"unitId": 1},
            },
            id="callback first",
        ),
        pytest.param(
            "AsyncRequest",
            {
                "SimplifiedIdentificationRequest": {
                    "personalInformation": {"profile": ""},
                    "unitId": 1,
                }
            },
            id="order",
        ),
    ],
)
def test_schema_refuses_what_we_must_not_send(
    schema: etree.XMLSchema, name: str, value: dict[str, Any]
) -> None:
    assert schema.validate(element(name, value)) is False


@pytest.mark.parametrize("name", ["AsyncRequest", "GetProfileInfoRequest"])
@pytest.mark.parametrize("qualified", [True, False], ids=["qualified", "bare"])
def test_schema_takes_a_version_only_at_the_profile_and_only_qualified(
    schema: etree.XMLSchema, name: str, *, qualified: bool
) -> None:
    message = element(name, {"unitId": 1} if "Profile" in name else {"asyncId": 1})
    namespace = etree.QName(message).namespace
    message.set(f"{{{namespace}}}version" if qualified else "version", "VERSION_2")

    assert schema.validate(message) is (qualified and "Profile" in name)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(ticket(), id="ticket"),
        pytest.param(result(), id="success"),
        pytest.param(result(success=False, code="500.7.3"), id="failure"),
        pytest.param(profile(SIMPLIFIED), id="profile"),
    ],
)
def test_replies_of_our_tests_are_such_as_the_schema_allows(
    schema: etree.XMLSchema, reply: dict[str, Any]
) -> None:
    [(name, members)] = reply["Envelope"]["Body"].items()

    schema.assertValid(element(name, members))


def _said(interface: etree._Element, path: str, name: str) -> str:
    found = interface.find(path)
    assert found is not None
    return str(found.attrib[name])


@needs_real
def test_our_interface_binds_as_the_real_one_does() -> None:
    ours, real = etree.parse(str(OURS)).getroot(), etree.parse(str(REAL)).getroot()

    assert ours.get("targetNamespace") == real.get("targetNamespace")
    for path, names in (
        (f".//{_XSD}schema", ("targetNamespace", "elementFormDefault", "attributeFormDefault")),
        (f"{_WSDL}binding", ("name",)),
        (f"{_WSDL}binding/{_SOAP}binding", ("style", "transport")),
        (f"{_WSDL}service", ("name",)),
        (f"{_WSDL}service/{_WSDL}port", ("name",)),
    ):
        for name in names:
            assert _said(ours, path, name) == _said(real, path, name)
    operations = {each.get("name") for each in ours.iter(f"{_WSDL}operation")}
    assert operations <= {each.get("name") for each in real.iter(f"{_WSDL}operation")}
    assert {each.get("soapAction") for each in ours.iter(f"{_SOAP}operation")} == {""}


@needs_real
def test_every_code_of_the_mapping_is_one_of_the_schema() -> None:
    words = {term.text for term in etree.parse(str(REAL)).iter("{*}dt", "dt")}

    assert set(MEANINGS) <= words
