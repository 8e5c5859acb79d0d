"""What each of MONETA's magic numbers does to whoever asks, over real HTTP."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from tests.support.sandbox import DELAY, TIMEOUT, Sandbox, running_sandbox
from tests.support.sandbox_requests import (
    JSON_TYPE,
    Members,
    attribute,
    encoded,
    envelope,
    personal_information,
    poll,
    profile_check,
    submit,
)
from worker.sandbox.moneta.scenarios import SCENARIOS


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


def in_short(words: list[str]) -> str:
    """Say `2x page 502, success=True` for three words."""
    runs = [(word, len(list(run))) for word, run in groupby(words)]
    return ", ".join(word if times == 1 else f"{times}x {word}" for word, times in runs)


def course(sandbox: Sandbox, number: int) -> str:
    """Walk an identification to its end and say what was seen.

    Up to three submits until one tells its task; a poll at once, three from the delay on, one past
    the expiry; then three profile checks.
    """
    unit_id = sandbox.unit(number)
    submits: list[str] = []
    polls: list[str] = []
    async_id: int | None = None
    for _ in range(3):
        reply = sandbox.ask(submit(unit_id, personal_information()))
        submits.append(reply.word)
        async_id = reply.content.get("AsyncResponse", {}).get("asyncId")
        if async_id:
            break
    for wait in (0, DELAY, 0, 0, TIMEOUT):
        sandbox.clock.advance(wait)
        if async_id:
            polls.append(sandbox.ask(poll(async_id)).word)
    profiles = [sandbox.ask(profile_check(unit_id)).word for _ in range(3)]
    return " | ".join(in_short(part) for part in (submits, polls, profiles))


TAKEN = "CREATED | INPROGRESS, 4x success=True | 3x simplified"


def rejected(code: str) -> str:
    return f"CREATED | INPROGRESS, 4x success=False {code} | 3x anonymous"


def silent(profiles: str) -> str:
    return f"CREATED | 4x INPROGRESS, fault 500.9.1 | {profiles}"


def fault(word: str, profiles: str) -> str:
    return f"CREATED | INPROGRESS, 4x {word} | {profiles}"


def breach(word: str) -> str:
    return f"CREATED | INPROGRESS, 4x {word} | 3x anonymous"


def one_bad_poll(word: str) -> str:
    return f"CREATED | {word}, 4x success=True | 3x simplified"


def two_bad_polls(word: str) -> str:
    return f"CREATED | 2x {word}, 3x success=True | 3x simplified"


def one_bad_submit(word: str) -> str:
    return f"{word}, {TAKEN}"


def taken_unheard(word: str) -> str:
    return f"{word}, 2x fault 500.7.11 |  | 3x simplified"


def refused(word: str) -> str:
    return f"3x {word} |  | 3x anonymous"


COURSES = {
    "success": TAKEN,
    "success_without_unitid": TAKEN,
    "success_slowly": "CREATED | 4x INPROGRESS, success=True | 3x simplified",
    "success_after_created": "CREATED | CREATED, 4x success=True | 3x simplified",
    "success_undated_polls": "CREATED | INPROGRESS undated, 4x success=True | 3x simplified",
    "success_never_dated": (
        "CREATED undated | INPROGRESS undated, 4x success=True | 3x simplified"
    ),
    "success_with_extra_members": TAKEN,
    "success_before_group": "CREATED | INPROGRESS, 4x success=True | 2x anonymous, simplified",
    "rejected_500_7_1": rejected("500.7.1"),
    "result_500_7_2": rejected("500.7.2"),
    "rejected_500_7_3": rejected("500.7.3"),
    "rejected_500_7_4": rejected("500.7.4"),
    "rejected_500_7_5": rejected("500.7.5"),
    "rejected_500_7_6": rejected("500.7.6"),
    "rejected_500_7_7": rejected("500.7.7"),
    "rejected_500_7_8": rejected("500.7.8"),
    "rejected_500_7_9": rejected("500.7.9"),
    "rejected_500_7_10": rejected("500.7.10"),
    "already_identified_as_result": fault("success=False 500.7.11", "3x simplified"),
    "rejected_500_7_12": rejected("500.7.12"),
    "rejected_300_5": rejected("300.5"),
    "rejected_300_6": rejected("300.6"),
    "rejected_500_8_3_1_1": rejected("500.8.3.1.1"),
    "rejected_500_8_4769_1": rejected("500.8.4769.1"),
    "rejected_100": rejected("100"),
    "needs_correction": rejected("500.7.3"),
    "rejected_by_fault_on_poll": fault("fault 500.7.3", "3x anonymous"),
    "already_identified_on_poll": fault("fault 500.7.11", "3x simplified"),
    "expired_anonymous": silent("3x anonymous"),
    "expired_simplified": silent("3x simplified"),
    "expired_full": silent("3x full"),
    "expired_unknown_group": silent("3x unknown group"),
    "expired_without_group": silent("3x no group"),
    "expired_moved_late": silent("anonymous, 2x simplified"),
    "in_progress_for_ever": "CREATED | 5x INPROGRESS | 3x anonymous",
    "expired_profile_unavailable": silent("page 502, fault 100, simplified"),
    "expired_foreign_profile": silent("3x simplified"),
    "wait_ended_anonymous": fault("fault 500.7.2", "3x anonymous"),
    "wait_ended_simplified": fault("fault 500.7.2", "3x simplified"),
    "lost_anonymous": fault("fault 500.9.1", "3x anonymous"),
    "lost_simplified": fault("Fault 500.9.1", "3x simplified"),
    "lost_wordily": fault("fault 500.9.1 wordy", "3x simplified"),
    "poll_502": two_bad_polls("page 502"),
    "poll_503": one_bad_poll("page 503"),
    "poll_429": one_bad_poll("page 429"),
    "poll_hangs": one_bad_poll("hung"),
    "poll_dropped": two_bad_polls("dropped"),
    "poll_garbage": one_bad_poll("garbage"),
    "poll_truncated": one_bad_poll("garbage"),
    "poll_empty": one_bad_poll("garbage"),
    "poll_cut": one_bad_poll("cut"),
    "poll_drips": one_bad_poll("dripping"),
    "poll_redirected": one_bad_poll("page 302"),
    "poll_huge": one_bad_poll("huge"),
    "poll_html": one_bad_poll("page 200"),
    "poll_no_envelope": one_bad_poll("garbage"),
    "poll_smev": two_bad_polls("fault 500.8.3.1.1"),
    "poll_fault_100": two_bad_polls("fault 100"),
    "poll_fault_codeless": two_bad_polls("fault None"),
    "poll_status_unknown": one_bad_poll("SUSPENDED"),
    "success_as_text": breach("success='true'"),
    "foreign_unit": breach("success=True"),
    "rejected_without_code": breach("success=False"),
    "rejected_unknown_code": breach("success=False 500.7.999"),
    "status_unknown": "CREATED | 5x SUSPENDED | 3x anonymous",
    "poll_fault_unknown": breach("fault 500.99.1"),
    "success_as_number": breach("success=1"),
    "without_success": breach("success='missing'"),
    "other_task": "CREATED | 5x INPROGRESS | 3x anonymous",
    "status_beside_result": breach("success=True"),
    "fault_codeless": breach("fault None"),
    "success_with_code": breach("success=True 500.7.3"),
    "submit_taken_then_dropped": taken_unheard("dropped"),
    "submit_taken_then_dropped_slowly": one_bad_submit("dropped"),
    "submit_dropped": one_bad_submit("dropped"),
    "submit_502": one_bad_submit("page 502"),
    "submit_taken_with_502": taken_unheard("page 502"),
    "submit_smev": f"2x fault 500.8.3.1.1, {TAKEN}",
    "submit_document_doubted": refused("fault 500.7.10"),
    "submit_no_access": refused("fault 300.2"),
    "submit_fault_codeless": refused("fault None"),
    "submit_fault_100": refused("fault 100"),
    "submit_taken_with_fault_100": taken_unheard("fault 100"),
    "already_identified": "3x fault 500.7.11 |  | 3x simplified",
    "submit_rejected": one_bad_submit("fault 500.7.3"),
    "submit_not_eligible": refused("fault 500.7.7"),
    "submit_taken_then_hangs": taken_unheard("hung"),
    "submit_hangs": one_bad_submit("hung"),
    "submit_fault_unknown": refused("fault 500.99.1"),
    "submit_503": one_bad_submit("page 503"),
    "submit_429": one_bad_submit("page 429"),
    "submit_taken_garbage": one_bad_submit("garbage"),
    "submit_without_async_id": "3x CREATED without id |  | 3x simplified",
    "submit_capital_fault": one_bad_submit("Fault 500.7.6 wordy"),
    "credentials_from_now_on": "CREATED | 5x fault 300.1.3 | 3x fault 300.1.3",
    "credentials_at_submit": one_bad_submit("fault 300.1"),
    "credentials_on_poll": one_bad_poll("fault 300.7"),
}


@pytest.mark.parametrize("number", sorted(SCENARIOS), ids=lambda n: SCENARIOS[n].name)
def test_scenario_runs_its_documented_course(sandbox: Sandbox, number: int) -> None:
    assert course(sandbox, number) == COURSES[SCENARIOS[number].name]


def test_unit_without_a_scenario_succeeds(sandbox: Sandbox) -> None:
    assert course(sandbox, 777) == TAKEN


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        pytest.param(0, 1, id="success"),
        pytest.param(501, 2, id="taken-then-dropped-and-sent-again"),
        pytest.param(502, 1, id="dropped-and-sent-again"),
        pytest.param(505, 1, id="refused-twice"),
        pytest.param(506, 0, id="refused-for-ever"),
    ],
)
def test_calls_tell_how_often_a_submit_had_its_effect(
    sandbox: Sandbox, number: int, taken: int
) -> None:
    course(sandbox, number)
    *_, unit = sandbox.calls()["units"].values()
    assert unit["taken"] == taken


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
    assert reply.headers["Content-Type"] == JSON_TYPE


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
        pytest.param({"AsyncRequest": {"asyncId": "3"}}, "fault 200", id="schema"),
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
    reply = sandbox.ask(envelope({"AsyncRequest": {"asyncId": "3"}}))
    said = reply.content["fault"]["faultstring"]
    assert said == "$.Envelope.Body.AsyncRequest.asyncId: must be a positive integer of 64 bits"


def test_request_is_refused_when_its_content_type_is_another(sandbox: Sandbox) -> None:
    assert sandbox.send(encoded(poll(1)), "application/json").word == "fault 200"


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
