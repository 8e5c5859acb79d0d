"""What each magic number of the API for the self-employed does, over real HTTP."""

import json
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import requests

from tests.support.loopback.http_stub import HttpStub
from tests.support.providers.sandbox import DELAY, TIMEOUT, Clock, Sandbox, running_sandbox
from tests.support.providers.sandbox_npd import (
    DOCUMENT,
    FORM,
    OPTIONS,
    PROFILE,
    START,
    Npd,
    signature,
    signed,
    values,
)
from tests.support.providers.sandbox_plain import in_short
from tests.support.providers.sandbox_requests import poll
from uprid_sandbox.background import background
from uprid_sandbox.npd.acts import Error, Method
from uprid_sandbox.npd.scenarios import SCENARIOS, scenario_of
from uprid_sandbox.options import SandboxOptions

INVALID = "400 invalid request"


@pytest.fixture(scope="module")
def npd() -> Iterator[Npd]:
    with running_sandbox() as running:
        yield Npd(running)


def course(npd: Npd, number: int) -> str:
    """Walk an identification to its end and say what was seen.

    Each step up to three times until it is done; then what was notified and the unit's group:
    at once, after one delay and a half, and two delays past the expiry.
    """
    phone, unit_id = npd.phone(number), 0
    before = len(npd.notifications())
    parts = []
    for method in (PROFILE, DOCUMENT, START):
        words = []
        for _ in range(3):
            heard = npd.call(method, phone)
            words.append(heard.word)
            unit_id = int(heard.content.get("unitId", unit_id))
            if {"updated", "unitId", "asyncId"} & heard.content.keys():
                break
        parts.append(in_short(words))
    if not unit_id:
        return " | ".join(parts)
    for wait in (0, DELAY * 1.5, TIMEOUT + DELAY * 2):
        npd.sandbox.clock.advance(wait)
        told = [_word(each["body"], phone) for each in npd.notifications()[before:] if each["due"]]
        parts.append(f"{in_short(told) or 'nothing'}, {npd.group(unit_id)}")
    return " | ".join(parts)


def _word(body: dict[str, object], phone: str) -> str:
    foreign = "" if body["userPhone"] == phone else " of another"
    return f"{body['upridAsyncStatus']}{foreign}"


def told(at_once: str, after: str, past: str | None = None) -> str:
    return f"200 | 200 | 200 | {at_once} | {after} | {past or after}"


WAITING = "nothing, anonymous"
GOOD = "SUCCESS, simplified"
TAKEN = told(WAITING, GOOD)


def started(words: str, after: str = GOOD) -> str:
    return f"200 | 200 | {words} | {WAITING} | {after} | {after}"


def again(words: str) -> str:
    """Say what comes of a start that is sent again though it was taken: two tasks."""
    return started(words, "2x SUCCESS, simplified")


COURSES = {
    "success": TAKEN,
    "success_slowly": told(WAITING, WAITING, GOOD),
    "success_before_the_answer": told(GOOD, GOOD),
    "success_twice": told(WAITING, "2x SUCCESS, simplified"),
    "success_twice_renumbered": told(WAITING, "2x SUCCESS, simplified"),
    "foreign_phone_first": told(WAITING, "SUCCESS of another, SUCCESS, simplified"),
    "unknown_task_first": told(WAITING, "2x SUCCESS, simplified"),
    "success_with_extra_members": TAKEN,
    "success_moved_late": told(WAITING, "SUCCESS, anonymous", GOOD),
    "expired_then_success": told(WAITING, "EXPIRED, SUCCESS, simplified"),
    "success_ids_as_text": TAKEN,
    "success_then_expired": told(WAITING, "SUCCESS, EXPIRED, simplified"),
    "success_at_once": told(GOOD, GOOD),
    "expired_anonymous": told(WAITING, "EXPIRED, anonymous"),
    "expired_simplified": told(WAITING, "EXPIRED, simplified"),
    "silent_anonymous": told(WAITING, WAITING),
    "silent_simplified": told(WAITING, "nothing, simplified"),
    "silent_full": told(WAITING, "nothing, full"),
    "silent_unknown_group": told(WAITING, "nothing, unknown group"),
    "silent_without_group": told(WAITING, "nothing, no group"),
    "success_but_anonymous": told(WAITING, "SUCCESS, anonymous"),
    "success_without_account": TAKEN,
    "status_unknown": told(WAITING, "SUSPENDED, anonymous"),
    "foreign_phone_only": told(WAITING, "SUCCESS of another, anonymous"),
    "needs_correction": told(WAITING, "EXPIRED, anonymous"),
    "success_too_late": told(WAITING, WAITING, "SUCCESS, anonymous"),
    "other_name": told(WAITING, "SUCCESS, anonymous"),
    "unknown_task_only": told(WAITING, "SUCCESS, anonymous"),
    "start_taken_then_dropped": again("dropped, 200"),
    "start_dropped": started("dropped, 200"),
    "start_502": started("page 502, 200"),
    "start_503": started("page 503, 200"),
    "start_429": started("page 429, 200"),
    "start_taken_with_500": again("page 500, 200"),
    "start_taken_then_hangs": again("hung, 200"),
    "start_hangs": started("hung, 200"),
    "start_taken_html": again("page 200, 200"),
    "start_taken_without_async_id": again("2x 200"),
    "start_taken_truncated": again("garbage, 200"),
    "start_taken_garbage": again("garbage, 200"),
    "start_undated": TAKEN,
    "start_status_unknown": TAKEN,
    "start_taken_cut": again("cut, 200"),
    "start_taken_drips": again("dripping, 200"),
    "start_unknown_error": started("3x 200 maintenance", WAITING),
    "start_taken_then_silence": started("dropped, 200", WAITING),
    "start_taken_contradiction": started("200 no async task"),
    "start_taken_empty": again("empty, 200"),
    "start_date_garbled": TAKEN,
    "start_taken_hostile": again("garbage, 200"),
    "start_taken_huge": again("huge, 200"),
    "start_redirected": started("page 302, 200"),
    "start_taken_list": again("no object, 200"),
    "start_taken_then_expired": started("dropped, 200", "2x EXPIRED, anonymous"),
}
REST = "200 | nothing, anonymous | SUCCESS, simplified | SUCCESS, simplified"
TROUBLES = {
    "502": "2x page 502, 200",
    "dropped": "2x dropped, 200",
    "hangs": "hung, 200",
    "503": "page 503, 200",
    "429": "page 429, 200",
    "html": "page 200, 200",
    "garbage": "garbage, 200",
    "500": "2x page 500, 200",
}
COURSES |= {f"profile_{name}": f"{words} | 200 | {REST}" for name, words in TROUBLES.items()}
COURSES |= {f"document_{name}": f"200 | {words} | {REST}" for name, words in TROUBLES.items()}
COURSES |= {
    "profile_breach": "200 | 3x 200 not updated | 3x 200 no async task",
    "profile_unknown_error": "3x 200 maintenance | 3x 200 not updated | 3x 200 no async task",
    "document_breach": "200 | 3x 200 | 3x 200 no async task",
    "document_unknown_error": "200 | 3x 200 maintenance | 3x 200 no async task",
}
NO_TASK = "3x 200 no async task"
WITHOUT_PROFILE = f"3x 200 not updated | {NO_TASK}"


def _errors() -> Iterator[tuple[str, str]]:
    """Yield the name and the course of each error at each method, always and once."""
    for error in Error:
        word = f"200 {error}"
        name = error.name.lower()
        yield f"{PROFILE}_{name}", f"3x {word} | {WITHOUT_PROFILE}"
        yield f"{PROFILE}_{name}_once", f"{word}, 200 | 200 | {REST}"
        yield f"{DOCUMENT}_{name}", f"200 | 3x {word} | {NO_TASK}"
        yield f"{DOCUMENT}_{name}_once", f"200 | {word}, 200 | {REST}"
        yield f"{START}_{name}", f"200 | 200 | 3x {word} | {WAITING} | {WAITING} | {WAITING}"
        yield f"{START}_{name}_once", f"200 | 200 | {word}, {REST}"


COURSES |= dict(_errors())


@pytest.mark.parametrize("number", SCENARIOS, ids=lambda number: SCENARIOS[number].name)
def test_scenario_runs_its_documented_course(npd: Npd, number: int) -> None:
    assert course(npd, number) == COURSES[SCENARIOS[number].name]


def test_phone_without_a_scenario_succeeds(npd: Npd) -> None:
    assert scenario_of(813) is SCENARIOS[0]
    assert course(npd, 813) == TAKEN


@pytest.mark.parametrize(
    ("method", "missing"),
    [
        (PROFILE, {Error.NOT_UPDATED, Error.NO_TASK}),
        (DOCUMENT, {Error.NO_TASK}),
        (START, {Error.NOT_UPDATED}),
    ],
)
def test_every_error_of_the_page_has_two_numbers(method: str, missing: set[Error]) -> None:
    names = {each.name for each in SCENARIOS.values()}
    for error in set(Error) - missing:
        assert {f"{method}_{error.name.lower()}{suffix}" for suffix in ("", "_once")} <= names


def test_task_is_told_as_the_page_has_it(npd: Npd) -> None:
    phone, unit_id = npd.prepared(0)
    created = npd.call(START, phone).content
    [letter] = [each for each in npd.notifications() if each["body"]["userPhone"] == phone]
    body = letter["body"]
    assert created["asyncStatus"] == "CREATED"
    assert created["expirationDate"].endswith("+03:00")
    assert letter["due"] is False
    assert (body.pop("notificationId") > 0, body.pop("mntAccountId") > 0) == (True, True)
    assert body == {
        "notificationName": "uprid",
        "upridAsyncId": created["asyncId"],
        "upridAsyncStatus": "SUCCESS",
        "userPhone": phone,
    }
    assert npd.call(DOCUMENT, phone).content["unitId"] == unit_id


@pytest.mark.parametrize(("number", "same"), [(3, True), (4, False)], ids=["same", "other"])
def test_notification_comes_twice_under_one_id_or_two(npd: Npd, number: int, *, same: bool) -> None:
    phone, _ = npd.prepared(number)
    npd.call(START, phone)
    first, second = (
        each["body"]["notificationId"]
        for each in npd.notifications()
        if each["body"]["userPhone"] == phone
    )
    assert (first == second) is same


def test_expiry_is_told_without_an_account(npd: Npd) -> None:
    phone, _ = npd.prepared(400)
    npd.call(START, phone)
    [body] = [e["body"] for e in npd.notifications() if e["body"]["userPhone"] == phone]
    assert "mntAccountId" not in body


def test_second_task_succeeds_when_the_first_was_to_be_corrected(npd: Npd) -> None:
    phone, unit_id = npd.prepared(410)
    npd.call(START, phone)
    npd.sandbox.clock.advance(DELAY)
    assert npd.group(unit_id) == "anonymous"
    npd.call(START, phone)
    npd.sandbox.clock.advance(DELAY)
    assert npd.group(unit_id) == "simplified"


def test_task_can_be_polled_over_monetas_interface(npd: Npd) -> None:
    phone, _ = npd.prepared(0)
    async_id = npd.call(START, phone).content["asyncId"]
    assert npd.sandbox.ask(poll(async_id)).word == "INPROGRESS"
    npd.sandbox.clock.advance(DELAY)
    assert npd.sandbox.ask(poll(async_id)).word == "success=True"


def test_answer_to_start_comes_after_the_notification_when_it_is_late(npd: Npd) -> None:
    phone, _ = npd.prepared(2)
    began = time.monotonic()
    assert npd.call(START, phone).word == "200"
    assert time.monotonic() - began > 0.5
    assert [e["due"] for e in npd.notifications() if e["body"]["userPhone"] == phone] == [True]


def test_start_is_refused_when_the_unit_is_identified(npd: Npd) -> None:
    phone, _ = npd.prepared(12)
    assert npd.call(START, phone).word == "200"
    assert npd.call(START, phone).word == "200 no async task"


def test_calls_are_counted_by_phone(npd: Npd) -> None:
    phone, _ = npd.prepared(500)
    npd.call(START, phone)
    task_id = npd.call(START, phone).content["asyncId"]
    counted = npd.calls()["subjects"][phone[-7:]]
    tasks = counted["details"].pop("taken")
    assert counted == {
        PROFILE: 1,
        DOCUMENT: 1,
        START: 2,
        "taken": 2,
        "details": {},
    }
    # The first one's reply was lost.
    assert sorted(tasks.values()) == [1, 1]
    assert str(task_id) in tasks


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize(
    ("changed", "word"),
    [
        pytest.param({"key": "other"}, "200 no parthner", id="key"),
        pytest.param({"signature": "0" * 32}, "200 wrong signature", id="signature"),
        pytest.param({"signature": ""}, "200 wrong signature", id="empty-signature"),
        pytest.param({"phone": "79001234567"}, "200 wrong signature", id="other-phone"),
    ],
)
def test_request_is_refused_when_it_is_not_signed(
    npd: Npd, method: Method, changed: dict[str, str], word: str
) -> None:
    sent = signed(values(method, npd.phone(0)))
    assert npd.send(method, {**sent, **changed}).word == word


@pytest.mark.parametrize(
    ("method", "changed"),
    [
        pytest.param(PROFILE, {"phone": "+79001234567"}, id="phone"),
        pytest.param(PROFILE, {"bd": "31.01.1990"}, id="date"),
        pytest.param(PROFILE, {"bd": "1990-02-31"}, id="no-date"),
        pytest.param(PROFILE, {"snils": "11223344595"}, id="snils"),
        pytest.param(PROFILE, {"snils": ""}, id="empty-snils"),
        pytest.param(PROFILE, {"firstname": " "}, id="blank"),
        pytest.param(PROFILE, {"inn": "501716749325"}, id="unknown"),
        pytest.param(DOCUMENT, {"docseries": "00 01"}, id="series"),
        pytest.param(DOCUMENT, {"docnumber": "00002"}, id="number"),
        pytest.param(DOCUMENT, {"docissued": "20100228"}, id="issued"),
        pytest.param(DOCUMENT, {"docdepartment": ""}, id="empty-department"),
        pytest.param(START, {"bd": "1990-01-31"}, id="another-step"),
    ],
)
def test_request_is_refused_when_a_parameter_is_not_as_documented(
    npd: Npd, method: str, changed: dict[str, str]
) -> None:
    assert npd.send(method, signed(values(method, npd.phone(0)) | changed)).word == INVALID


@pytest.mark.parametrize(
    ("method", "optional"),
    [(PROFILE, {"snils"}), (DOCUMENT, {"docissuer", "docissued", "docdepartment"}), (START, set())],
)
def test_every_parameter_but_the_optional_ones_must_be_there(
    npd: Npd, method: str, optional: set[str]
) -> None:
    phone = npd.phone(0)
    npd.call(PROFILE, phone)
    npd.call(DOCUMENT, phone)
    sent = values(method, phone)
    for name in sent:
        fewer = {key: value for key, value in sent.items() if key != name}
        expected = "200" if name in optional else INVALID
        assert npd.send(method, signed(fewer)).word == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"key", FORM, id="no-value"),
        pytest.param(b"{}", "application/json", id="json"),
        pytest.param(b"key=a&key=b", FORM, id="twice"),
        pytest.param(b"key=%ff", FORM, id="encoding"),
        pytest.param("key=Ж".encode(), FORM, id="not-encoded"),
    ],
)
def test_body_is_refused_when_it_is_no_form(npd: Npd, body: bytes, content_type: str) -> None:
    assert npd.send_body(START, body, content_type).word == INVALID


def test_printed_formula_leaves_out_the_birth_date_and_snils() -> None:
    options = SandboxOptions(npd_printed_formula=True)
    printed = ["firstname", "lastname", "middlename", "phone"]
    with background(options) as address, requests.Session() as session:
        npd = Npd(Sandbox(address, Clock(), session))
        sent = values(PROFILE, npd.phone(0))
        by_formula = {"key": OPTIONS.npd_security_key, "signature": signature(sent, printed)}
        assert npd.send(PROFILE, signed(sent)).word == "200 wrong signature"
        assert npd.send(PROFILE, sent | by_formula).word == "200"
        # The other two formulas are the rule.
        assert npd.call(DOCUMENT, sent["phone"]).word == "200"


def test_notification_is_posted_to_loopback_when_its_moment_comes() -> None:
    with HttpStub() as stub:
        options = SandboxOptions(delay=0.05, notify_url=stub.url)
        with background(options) as address, requests.Session() as session:
            npd = Npd(Sandbox(address, Clock(), session))
            phone, _ = npd.prepared(0)
            npd.call(START, phone)
            until = time.monotonic() + 5
            while not stub.asked and time.monotonic() < until:
                time.sleep(0.02)
            [letter] = npd.notifications()
    [asked] = stub.asked
    assert asked.method == "POST"
    assert json.loads(asked.body) == letter["body"]


def test_reset_forgets_people_and_notifications() -> None:
    with background(SandboxOptions(delay=0)) as address, requests.Session() as session:
        npd = Npd(Sandbox(address, Clock(), session))
        phone, unit_id = npd.prepared(0)
        npd.call(START, phone)
        npd.sandbox.admin("reset", {})
        assert npd.notifications() == []
        assert npd.calls() == {"requests": {}, "subjects": {}}
        assert npd.call(DOCUMENT, phone).word == "200 not updated"
        assert npd.prepared(0)[1] != unit_id


@pytest.mark.parametrize(
    ("mode", "word"),
    [("down", "page 503"), ("hang", "hung"), ("credentials", "200 no parthner"), ("up", "200")],
)
def test_outage_changes_every_answer_and_has_no_effect(npd: Npd, mode: str, word: str) -> None:
    phone, _ = npd.prepared(0)
    npd.sandbox.admin("outage", {"provider": "npd", "mode": mode})
    heard = npd.call(START, phone)
    npd.sandbox.admin("outage", {"provider": "npd", "mode": "up"})
    assert heard.word == word
    counted = npd.calls()["subjects"][phone[-7:]]
    assert (counted[START], counted["taken"]) == (1, int(mode == "up"))


def test_body_never_travels_in_clear_in_a_log(npd: Npd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0, "tornado")
    npd.send_body(PROFILE, urlencode({"firstname": "Образцов"}).encode())
    assert "Образцов" not in caplog.text
