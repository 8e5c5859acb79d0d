"""What the schema lets through, and what it refuses, in JSON."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.providers.sandbox_requests import (
    JSON_TYPE,
    Members,
    attribute,
    envelope,
    personal_information,
    poll,
    profile_check,
    submit,
)
from uprid_sandbox.moneta.languages import check_content_type
from uprid_sandbox.moneta.requests import Bare, Poll, ProfileCheck, Request, Submit
from uprid_sandbox.moneta.schema import read_request
from uprid_sandbox.moneta.server import language_of
from uprid_sandbox.strict import Violation

UNIT = 11_000


def read(content: object, content_type: str | None = JSON_TYPE) -> Request:
    language = language_of(content_type)
    check_content_type(content_type, language)
    # Escaped, so that what no encoding knows can be sent too.
    return read_request(language.open(json.dumps(content).encode()).body)


def identification(**changes: object) -> Members:
    """Return a submit whose `AsyncRequest` has these further members."""
    content = submit(UNIT, personal_information())
    content["Envelope"]["Body"]["AsyncRequest"].update(changes)
    return content


def request_of(content: Members) -> Members:
    request: Members = content["Envelope"]["Body"]["AsyncRequest"]
    return request["SimplifiedIdentificationRequest"]  # type: ignore[no-any-return]


def changed(change: Callable[[Members], Any]) -> Members:
    """Return a submit after `change` was made to its SimplifiedIdentificationRequest."""
    content = identification()
    change(request_of(content))
    return content


def with_profile(key: str, value: object) -> Members:
    def replace(request: Members) -> None:
        attributes = request["personalInformation"]["profile"]["attribute"]
        attributes[:] = [each for each in attributes if each["key"] != key]
        attributes.append(attribute(key, value))

    return changed(replace)


def with_document(key: str, value: object, **members: object) -> Members:
    def replace(request: Members) -> None:
        document = request["personalInformation"]["document"]
        document["attribute"] = [attribute(key, value)]
        document.update(members)

    return changed(replace)


def test_submit_is_read_with_everything_it_may_hold() -> None:
    content = identification(callbackUrl="https://shop.example/done")
    request_of(content)["attribute"] = [attribute("anything", None)]
    document = request_of(content)["personalInformation"]["document"]
    document.update(id=5, hasAttachedFiles=False)
    document["attribute"][0].update(approved=True, published=False)

    request = read(content)

    assert isinstance(request, Submit)
    assert request.unit_id == UNIT
    assert request.callback_url == "https://shop.example/done"
    assert request.personal is not None
    assert request.personal.profile["snils"] == "112-233-445 95"
    assert request.personal.document["series"] == "0001"
    assert request.personal.document_type == "PASSPORT"
    assert request.personal.document_id == 5


def test_submit_is_read_without_personal_information() -> None:
    assert read(submit(UNIT)) == Submit(UNIT, personal=None, callback_url=None)


def test_submit_is_read_when_its_profile_is_empty() -> None:
    request = read(submit(UNIT, {"profile": {}}))
    assert isinstance(request, Submit)
    assert request.personal is not None
    assert not request.personal.profile


def test_submit_never_shows_personal_data() -> None:
    assert "Образцов" not in repr(read(identification()))


def test_poll_is_read() -> None:
    assert read(poll(37_027)) == Poll(37_027)


@pytest.mark.parametrize("number", range(1, 6))
def test_profile_check_is_read_in_each_version(number: int) -> None:
    assert read(profile_check(UNIT, f"VERSION_{number}")) == ProfileCheck(UNIT, None, number)


def test_profile_check_is_read_when_it_names_nothing() -> None:
    assert read(envelope({"GetProfileInfoRequest": {}})) == ProfileCheck(None, None, 1)


def test_identification_is_read_outside_an_async_request() -> None:
    assert read(envelope({"SimplifiedIdentificationRequest": {"unitId": UNIT}})) == Bare()


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("application/json;charset=UTF-8", id="documented"),
        pytest.param("application/json; charset=utf-8", id="blank-and-lower-case"),
        pytest.param('Application/JSON; charset="UTF-8"', id="quoted"),
    ],
)
def test_content_type_is_taken_when_it_says_json_in_utf_8(content_type: str) -> None:
    assert read(poll(1), content_type) == Poll(1)


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(None, id="missing"),
        pytest.param("application/json", id="no-charset"),
        pytest.param("application/json;charset=cp1251", id="other-charset"),
        pytest.param("text/xml", id="soap-without-charset"),
        pytest.param("application/soap+xml;charset=UTF-8", id="soap-1.2"),
        pytest.param("text/json;charset=UTF-8", id="text-json"),
    ],
)
def test_content_type_is_refused_when_it_is_another(content_type: str | None) -> None:
    with pytest.raises(Violation, match="Content-Type"):
        read(poll(1), content_type)


GOOD = identification()


def envelope_with(**members: object) -> Members:
    content = copy.deepcopy(GOOD)
    content["Envelope"].update(members)
    return content


def header(security: object) -> Members:
    return envelope_with(Header={"Security": security})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([], id="list"),
        pytest.param({}, id="no-envelope"),
        pytest.param({**GOOD, "version": 1}, id="beside-envelope"),
        pytest.param({"envelope": GOOD["Envelope"]}, id="envelope-in-lower-case"),
        pytest.param({"Envelope": {"Body": {}}}, id="no-header"),
        pytest.param(envelope_with(Footer={}), id="unknown-in-envelope"),
        pytest.param(header({}), id="no-token"),
        pytest.param(header({"UsernameToken": {"Username": "a"}}), id="no-password"),
        pytest.param(header({"UsernameToken": {"Username": "a", "Password": 1}}), id="number"),
        pytest.param(
            header({"UsernameToken": {"Username": "a", "Password": "b", "Nonce": "c"}}),
            id="unknown-in-token",
        ),
        pytest.param(envelope({}), id="no-request"),
        pytest.param(envelope({"PingRequest": {}}), id="unknown-request"),
        pytest.param(
            envelope({"AsyncRequest": {"asyncId": 1}, "GetProfileInfoRequest": {}}),
            id="two-requests",
        ),
        pytest.param(envelope({"AsyncRequest": {}}), id="empty-async"),
        pytest.param(envelope({"AsyncRequest": None}), id="null-async"),
        pytest.param(envelope({"AsyncRequest": {"asyncId": "1"}}), id="async-id-string"),
        pytest.param(envelope({"AsyncRequest": {"asyncId": True}}), id="async-id-boolean"),
        pytest.param(envelope({"AsyncRequest": {"asyncId": 1.0}}), id="async-id-float"),
        pytest.param(
            envelope({"AsyncRequest": {"asyncId": 1, "version": "VERSION_2"}}),
            id="version-on-poll",
        ),
        pytest.param(
            envelope({"AsyncRequest": {"asyncId": 1, "callbackUrl": "https://a.example"}}),
            id="callback-on-poll",
        ),
        pytest.param(envelope({"AsyncRequest": {"callbackUrl": "https://a.example"}}), id="alone"),
        pytest.param(identification(asyncId=1), id="submit-and-poll-at-once"),
        pytest.param(identification(version="VERSION_2"), id="version-on-submit"),
        pytest.param(identification(callbackUrl=None), id="callback-null"),
        pytest.param(changed(lambda r: r.update(version="VERSION_1")), id="version-inside"),
        pytest.param(changed(lambda r: r.update(unitId="5")), id="unit-id-string"),
        pytest.param(changed(lambda r: r.update(unitid=5)), id="unit-id-misspelt"),
        pytest.param(changed(lambda r: r.update(parentId=5)), id="parent-id-on-submit"),
        pytest.param(changed(lambda r: r["personalInformation"].pop("profile")), id="no-profile"),
        pytest.param(
            changed(lambda r: r["personalInformation"].update(documents=[])), id="documents"
        ),
        pytest.param(
            changed(lambda r: r["personalInformation"].update(profile=[])), id="profile-list"
        ),
        pytest.param(
            changed(
                lambda r: r["personalInformation"]["profile"].update(
                    attribute=attribute("inn", "501716749325")
                )
            ),
            id="attribute-not-in-a-list",
        ),
        pytest.param(
            changed(
                lambda r: r["personalInformation"]["profile"]["attribute"].append(
                    attribute("inn", "501716749325")
                )
            ),
            id="attribute-twice",
        ),
        pytest.param(
            changed(lambda r: r["personalInformation"]["profile"]["attribute"][0].pop("value")),
            id="attribute-without-value",
        ),
        pytest.param(
            changed(
                lambda r: r["personalInformation"]["profile"]["attribute"][0].update(approved=1)
            ),
            id="approved-number",
        ),
        pytest.param(
            changed(
                lambda r: r["personalInformation"]["profile"]["attribute"][0].update(
                    fromPrototype=True
                )
            ),
            id="from-prototype",
        ),
        pytest.param(with_profile("LAST_NAME", "А"), id="profile-key-upper-case"),
        pytest.param(with_profile("middle_name", "А"), id="profile-key-unknown"),
        pytest.param(with_profile("unitid", "5"), id="profile-key-read-only"),
        pytest.param(with_profile("last_name", ""), id="name-empty"),
        pytest.param(with_profile("last_name", 5), id="name-number"),
        pytest.param(with_profile("last_name", "А\0"), id="name-with-control-character"),
        pytest.param(with_profile("customfield:tag", "\ud800"), id="custom-lone-surrogate"),
        pytest.param(with_profile("snils", "11223344595"), id="snils-bare"),
        pytest.param(with_profile("snils", "112-233-445-95"), id="snils-dashes"),
        pytest.param(with_profile("snils", "112-233-445 9٥"), id="snils-foreign-digit"),
        pytest.param(with_profile("cell_phone", "+79001234567"), id="phone-plus"),
        pytest.param(with_profile("cell_phone", "89001234567"), id="phone-eight"),
        pytest.param(with_profile("cell_phone", "74951234567"), id="phone-of-a-house"),
        pytest.param(with_profile("cell_phone", "79001234567\n"), id="phone-newline"),
        pytest.param(with_profile("inn", "5017167493"), id="inn-of-a-company"),
        pytest.param(with_profile("date_of_birth", "31.01.1990"), id="date-dots"),
        pytest.param(with_profile("date_of_birth", "1990-02-30"), id="date-impossible"),
        pytest.param(with_profile("date_of_birth", "19900131"), id="date-basic"),
        pytest.param(with_document("SERIES", "1"), id="series-short"),
        pytest.param(with_document("NUMBER", "0000001"), id="number-long"),
        pytest.param(with_document("DEPARTMENT", "000001"), id="department-bare"),
        pytest.param(with_document("ISSUED", "2010-2-28"), id="issued-short"),
        pytest.param(with_document("SERIE", "0001"), id="document-key-unknown"),
        pytest.param(with_document("SERIES", "0001", type="passport"), id="type-lower-case"),
        pytest.param(with_document("SERIES", "0001", type=1), id="type-number"),
        pytest.param(with_document("SERIES", "0001", id="1"), id="document-id-string"),
        pytest.param(with_document("SERIES", "0001", hasAttachedFiles=0), id="files-number"),
        pytest.param(profile_check(UNIT, "VERSION_6"), id="version-unknown"),
        pytest.param(profile_check(UNIT, "2"), id="version-number"),
        pytest.param(
            envelope({"GetProfileInfoRequest": {"unitId": 1, "parentId": 2}}), id="parent-id"
        ),
        pytest.param(
            envelope({"GetProfileInfoRequest": {"unitId": 1, "parenId": 2}}), id="paren-id"
        ),
        pytest.param(
            envelope({"SimplifiedIdentificationRequest": {"asyncId": 1}}), id="bare-invalid"
        ),
    ],
)
def test_request_is_refused_when_it_breaks_the_schema(content: object) -> None:
    with pytest.raises(Violation):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(with_profile("customfield:tag", "1"), id="custom-field"),
        pytest.param(with_profile("snils", None), id="null-clears"),
        pytest.param(with_document("series", "0001"), id="document-key-lower-case"),
        pytest.param(with_document("SERIES", "AB", type="MILITARY_ID"), id="other-document"),
    ],
)
def test_request_is_read_when_it_is_unusual_but_allowed(content: object) -> None:
    assert isinstance(read(content), Submit)
