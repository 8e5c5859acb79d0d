"""What MONETA's stand-in says in its replies, over real HTTP, in both languages."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.providers.sandbox import DELAY, JSON, TRANSPORTS, Sandbox, running_sandbox
from tests.support.providers.sandbox_requests import (
    Members,
    attribute,
    envelope,
    personal_information,
    poll,
    profile_check,
    submit,
)


@pytest.fixture(scope="module", params=TRANSPORTS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with running_sandbox(TRANSPORTS[request.param]) as running:
        yield running


def attributes(node: Members) -> Members:
    return {each["key"]: each["value"] for each in node["attribute"]}


def result_of(sandbox: Sandbox, content: Members) -> Members:
    """Return the AsyncResponse that ends a submit."""
    async_id = sandbox.ask(content).content["AsyncResponse"]["asyncId"]
    sandbox.clock.advance(DELAY)
    answer: Members = sandbox.ask(poll(async_id)).content["AsyncResponse"]
    return answer


def result(sandbox: Sandbox, number: int) -> tuple[int, Members]:
    unit_id = sandbox.unit(number)
    answer = result_of(sandbox, submit(unit_id, personal_information()))
    found: Members = answer["SimplifiedIdentificationResponse"]
    return unit_id, found


def test_submit_is_answered_with_its_task_and_moscow_time(sandbox: Sandbox) -> None:
    reply = sandbox.ask(submit(sandbox.unit(0), personal_information()))
    response = reply.content["AsyncResponse"]
    assert response.keys() == {"asyncId", "asyncStatus", "expirationDate"}
    assert type(response["asyncId"]) is int
    expiration = response["expirationDate"]
    assert len(expiration) == len("2017-07-24T18:07:12.000+03:00")
    assert expiration.endswith(".250+03:00")
    assert reply.headers["Content-Type"] == sandbox.transport.content_type


def test_result_stands_alone_and_returns_what_was_submitted(sandbox: Sandbox) -> None:
    unit_id, found = result(sandbox, 0)
    assert found.keys() == {"success", "personalInformation"}
    profile = attributes(found["personalInformation"]["profile"])
    assert profile["last_name"] == "Образцов"
    assert profile["unitid"] == str(unit_id)
    assert "profileid" in profile
    document = found["personalInformation"]["document"]
    assert document["type"] == "PASSPORT"
    assert type(document["id"]) is int
    assert attributes(document)["series"] == "0001"
    assert attributes(document)["modificationdate"].endswith(".250+03:00")


def test_result_approves_the_checked_data_when_it_is_a_success(sandbox: Sandbox) -> None:
    def approved(number: int) -> set[str]:
        profile = result(sandbox, number)[1]["personalInformation"]["profile"]
        return {each["key"] for each in profile["attribute"] if each["approved"]}

    assert {"last_name", "snils", "inn", "cell_phone"} <= approved(0)
    assert approved(103) == {"cell_phone"}


@pytest.mark.parametrize(("number", "shift"), [(1, None), (401, 7)], ids=["absent", "foreign"])
def test_result_names_no_or_another_unit_when_the_scenario_says_so(
    sandbox: Sandbox, number: int, shift: int | None
) -> None:
    unit_id, found = result(sandbox, number)
    named = attributes(found["personalInformation"]["profile"]).get("unitid")
    assert named == (None if shift is None else str(unit_id + shift))


def test_result_holds_members_that_nobody_documented_when_the_scenario_says_so(
    sandbox: Sandbox,
) -> None:
    assert result(sandbox, 6)[1].keys() > {"success", "personalInformation"}


@pytest.mark.parametrize("number", [9, 13])
def test_result_holds_nulls_when_the_scenario_says_so(sandbox: Sandbox, number: int) -> None:
    profile = attributes(result(sandbox, number)[1]["personalInformation"]["profile"])
    assert {key for key, value in profile.items() if value is None} == {"alias", "timezone"}


def test_task_is_the_same_in_either_language(sandbox: Sandbox) -> None:
    async_id = sandbox.async_id(0)
    words = []
    for transport in TRANSPORTS.values():
        other = replace(sandbox, transport=transport)
        words.append(other.ask(poll(async_id)).word)
    assert words == ["INPROGRESS", "INPROGRESS"]


def test_stored_data_is_identified_when_none_is_sent(sandbox: Sandbox) -> None:
    unit_id = sandbox.unit(0)
    found = result_of(sandbox, submit(unit_id))["SimplifiedIdentificationResponse"]
    assert attributes(found["personalInformation"]["profile"])["last_name"]


def test_corrected_data_is_kept_and_succeeds_when_the_first_was_rejected(
    sandbox: Sandbox,
) -> None:
    unit_id, found = result(sandbox, 150)
    assert found["success"] is False
    corrected = {"profile": {"attribute": [attribute("last_name", "Исправлен")]}}
    again = result_of(sandbox, submit(unit_id, corrected))
    found = again["SimplifiedIdentificationResponse"]
    assert found["success"] is True
    profile = attributes(found["personalInformation"]["profile"])
    assert (profile["last_name"], profile["first_name"]) == ("Исправлен", "Пример")


def test_submit_is_told_already_identified_when_an_earlier_one_succeeded(
    sandbox: Sandbox,
) -> None:
    unit_id, _ = result(sandbox, 0)
    assert sandbox.ask(submit(unit_id, personal_information())).word == "fault 500.7.11"


def without(part: str, *keys: str) -> Members:
    personal = personal_information()
    held = personal[part]["attribute"]
    personal[part]["attribute"] = [each for each in held if each["key"] not in keys]
    return personal


def other_document() -> Members:
    personal = personal_information()
    personal["document"]["type"] = "MILITARY_ID"
    return personal


@pytest.mark.parametrize(
    ("personal", "word"),
    [
        pytest.param(without("profile", "cell_phone"), "fault 500.7.6", id="no-phone"),
        pytest.param(without("document", "NUMBER"), "fault 500.7.6", id="no-passport-number"),
        pytest.param(
            without("profile", "snils", "inn", "date_of_birth"), "fault 500.7.6", id="no-identity"
        ),
        pytest.param(without("profile", "snils", "inn"), "CREATED", id="date-of-birth-is-enough"),
        pytest.param(other_document(), "fault 500.7.4", id="no-passport"),
    ],
)
def test_submit_is_refused_when_the_person_is_incomplete(
    sandbox: Sandbox, personal: Members, word: str
) -> None:
    assert sandbox.ask(submit(sandbox.unit(0), personal)).word == word


IDENTIFICATION = {"unitId": 5_000_000}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        pytest.param({"AsyncRequest": {"asyncId": 3}}, "fault 500.9.1", id="unknown-task"),
        pytest.param(
            {"SimplifiedIdentificationRequest": IDENTIFICATION}, "fault 500.9.4", id="not-async"
        ),
        pytest.param(
            {"AsyncRequest": {"SimplifiedIdentificationRequest": {}}},
            "fault 500.7.12",
            id="api-user-itself",
        ),
        pytest.param(
            {
                "AsyncRequest": {
                    "SimplifiedIdentificationRequest": IDENTIFICATION,
                    "callbackUrl": "somewhere",
                }
            },
            "fault 500.9.5",
            id="callback-is-no-address",
        ),
        pytest.param({"GetProfileInfoRequest": {}}, "anonymous", id="own-profile"),
        pytest.param({"AsyncRequest": {"asyncId": "x"}}, "fault 200", id="schema"),
    ],
)
def test_request_is_answered_in_its_own_way_when_it_is_unusual(
    sandbox: Sandbox, body: dict[str, Any], word: str
) -> None:
    assert sandbox.ask(envelope(body)).word == word


@pytest.mark.parametrize(
    ("username", "password"), [("sandbox", "wrong"), ("wrong", "sandbox")], ids=["pass", "user"]
)
@pytest.mark.parametrize(
    "content", [submit(0), poll(1), profile_check(0)], ids=["submit", "poll", "profile"]
)
def test_request_is_refused_when_its_credentials_are_wrong(
    sandbox: Sandbox, content: Members, username: str, password: str
) -> None:
    body = content["Envelope"]["Body"]
    assert sandbox.ask(envelope(body, username, password)).word == "fault 300.1"


def test_schema_fault_names_the_place(sandbox: Sandbox) -> None:
    reply = sandbox.ask(envelope({"AsyncRequest": {"asyncId": "x"}}))
    path, _, rule = reply.content["fault"]["faultstring"].partition(": ")
    json_path, soap_path = (
        "$.Envelope.Body.AsyncRequest.asyncId",
        "/Envelope/Body/AsyncRequest/asyncId",
    )
    assert path == (json_path if sandbox.transport is JSON else soap_path)
    assert rule == "must be a positive integer of 64 bits"


def test_request_is_refused_when_its_content_type_is_another(sandbox: Sandbox) -> None:
    media_type = sandbox.transport.content_type.partition(";")[0]
    assert sandbox.send(sandbox.transport.encode(poll(1)), media_type).word == "fault 200"


@pytest.mark.parametrize("number", [301, 302, 517, 518])
def test_busy_page_asks_to_wait(sandbox: Sandbox, number: int) -> None:
    reply = sandbox.ask(submit(sandbox.unit(number), personal_information()))
    if reply.content:
        reply = sandbox.ask(poll(reply.content["AsyncResponse"]["asyncId"]))
    assert reply.headers["Retry-After"] == "1"


@pytest.mark.parametrize(("version", "shown"), [("VERSION_1", False), ("VERSION_2", True)])
def test_profile_tells_what_is_published_when_the_version_allows(
    sandbox: Sandbox, version: str, *, shown: bool
) -> None:
    unit_id = sandbox.unit(0)
    response = sandbox.ask(profile_check(unit_id, version)).content["GetProfileInfoResponse"]
    assert all(("published" in each) is shown for each in response["attribute"])
    assert attributes(response) == {
        "unitid": str(unit_id),
        "profileid": str(700_000 + unit_id),
        "parentid": "101",
    }


def test_profile_is_another_units_when_the_scenario_says_so(sandbox: Sandbox) -> None:
    unit_id = sandbox.unit(208)
    response = sandbox.ask(profile_check(unit_id)).content["GetProfileInfoResponse"]
    assert attributes(response)["unitid"] == str(unit_id + 7)
