"""Our JSON bodies beside the real schema of June 2022: exactly its members, in its order."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import etree

from tests.support.http_stub import HttpStub, said
from tests.support.moneta import (
    ASYNC_ID,
    PASSWORD,
    PERSON,
    SIMPLIFIED,
    UNIT_ID,
    profile,
    settings,
    ticket,
    work,
)
from worker.operations.states import State
from worker.providers.moneta.faults import MEANINGS
from worker.providers.moneta.plugin import MonetaPlugin

ROOT: Final = Path(__file__).resolve().parents[2]
WSDL: Final = ROOT.parent / "shared" / "sources" / "moneta-merchant-api-2022.wsdl"
MESSAGES: Final = "http://www.moneta.ru/schemas/messages.xsd"

pytestmark = pytest.mark.skipif(
    not WSDL.exists(), reason=f"the real interface is not at {WSDL}: bodies were not compared"
)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The schema that lies inside the interface, compiled."""
    inside = etree.parse(str(WSDL)).find(".//{http://www.w3.org/2001/XMLSchema}schema")
    assert inside is not None
    return etree.XMLSchema(etree.fromstring(etree.tostring(inside)))


def as_xml(name: str, value: object) -> etree._Element:
    """Write a JSON member as the element that it stands for: the same names in the same order."""
    element = etree.Element(f"{{{MESSAGES}}}{name}")
    if isinstance(value, dict):
        for key, inner in value.items():
            for item in inner if isinstance(inner, list) else [inner]:
                element.append(as_xml(key, item))
    else:
        element.text = str(value)
    return element


def sent(payload: Mapping[str, Any] | None = None, **changes: Any) -> list[dict[str, Any]]:
    """Return what a submit, a poll and a look at the profile send."""
    with HttpStub(said(ticket()), said(ticket()), said(profile(SIMPLIFIED))) as stub:
        plugin = MonetaPlugin(settings(stub.url, **changes))
        try:
            plugin.submit(work(State.SUBMITTING, payload=payload))
            plugin.poll(work())
            plugin.clear_up(work())
        finally:
            plugin.close()
        return [asked.json for asked in stub.asked]


@pytest.mark.parametrize(
    ("payload", "changes"),
    [
        pytest.param(None, {}, id="stored data"),
        pytest.param(PERSON, {}, id="all data"),
        pytest.param(PERSON, {"callback_url": "https://shop.example/moneta"}, id="callback"),
        pytest.param(
            {
                "profile": {k: PERSON["profile"][k] for k in ("last_name", "first_name", "inn")},
                "document": {k: PERSON["document"][k] for k in ("number", "series")},
            },
            {},
            id="least data, in any order",
        ),
    ],
)
def test_bodies_hold_exactly_what_the_schema_allows(
    schema: etree.XMLSchema, payload: Mapping[str, Any] | None, changes: dict[str, Any]
) -> None:
    submit, poll, look = sent(payload, **changes)

    for document, name in (
        (submit, "AsyncRequest"),
        (poll, "AsyncRequest"),
        (look, "GetProfileInfoRequest"),
    ):
        (envelope,) = document.values()
        assert list(envelope) == ["Header", "Body"]
        assert envelope["Header"] == {
            "Security": {"UsernameToken": {"Username": "user", "Password": PASSWORD}}
        }
        assert list(envelope["Body"]) == [name]
        schema.assertValid(as_xml(name, envelope["Body"][name]))


def test_submit_body_is_written_as_moneta_reads_it() -> None:
    submit, poll, look = sent(PERSON, callback_url="https://shop.example/moneta")

    assert submit["Envelope"]["Body"] == {
        "AsyncRequest": {
            "SimplifiedIdentificationRequest": {
                "unitId": UNIT_ID,
                "personalInformation": {
                    "profile": {
                        "attribute": [
                            {"key": "first_name", "value": "Проверка"},
                            {"key": "last_name", "value": "Проверкин"},
                            {"key": "middle_initial_name", "value": "Иванович"},
                            {"key": "cell_phone", "value": "79001234567"},
                            {"key": "date_of_birth", "value": "1990-01-31"},
                            {"key": "snils", "value": "112-233-445 95"},
                            {"key": "inn", "value": "501716749325"},
                        ]
                    },
                    "document": {
                        "id": 123,
                        "type": "PASSPORT",
                        "attribute": [
                            {"key": "SERIES", "value": "0000"},
                            {"key": "NUMBER", "value": "000001"},
                            {"key": "ISSUER", "value": "ОВД № 1"},
                            {"key": "ISSUED", "value": "2010-02-03"},
                            {"key": "DEPARTMENT", "value": "000-000"},
                        ],
                    },
                },
            },
            "callbackUrl": "https://shop.example/moneta",
        }
    }
    assert poll["Envelope"]["Body"] == {"AsyncRequest": {"asyncId": ASYNC_ID}}
    assert look["Envelope"]["Body"] == {"GetProfileInfoRequest": {"unitId": UNIT_ID}}
    assert "version" not in json.dumps([submit, poll])


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
    assert schema.validate(as_xml(name, value)) is False


def test_every_code_of_the_mapping_is_one_of_the_schema() -> None:
    words = {term.text for term in etree.parse(str(WSDL)).iter("{*}dt", "dt")}

    assert set(MEANINGS) <= words
