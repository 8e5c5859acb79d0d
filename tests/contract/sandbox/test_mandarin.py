"""What each of Mandarin's magic numbers does to a client, over real HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.providers.sandbox import DELAY, running_sandbox
from tests.support.providers.sandbox_mandarin import Mandarin, person, signed, status_word
from tests.support.providers.sandbox_plain import in_short
from tests.support.providers.silence import PATIENCE
from uprid_sandbox.mandarin.scenarios import SCENARIOS, scenario_of

TAKEN = "200"
WAITS = "-…/-…"
INVALID = "400 Invalid request"
STRANGER = "401 Unauthorized"
#: Statuses: at once, as the code is sent, once it is judged, twice after the person's check.
USUAL = f"2x {WAITS}, -…/yes, 2x yes/yes"


@pytest.fixture(scope="module")
def mandarin() -> Iterator[Mandarin]:
    with running_sandbox() as running:
        yield Mandarin(running.address, running.session, running.clock)


def course(mandarin: Mandarin, number: int) -> str:
    """Walk an identification to its end and say what was seen.

    Up to three POSTs until one tells its session; a status; up to two PUTs of the right code until
    one is taken; a status before it is judged, one after, and two after the person's check.
    """
    phone = mandarin.phone(number)
    posts = []
    for _ in range(3):
        heard = mandarin.post(person(phone))
        posts.append(heard.word)
        session_id = heard.content.get("id")
        if isinstance(session_id, str) and session_id:
            return " | ".join(in_short(p) for p in (posts, *_rest(mandarin, session_id, phone)))
    return in_short(posts)


def _rest(mandarin: Mandarin, session_id: str, phone: str) -> tuple[list[str], list[str]]:
    statuses = [status_word(mandarin.get(session_id))]
    puts = []
    for _ in range(2):
        puts.append(mandarin.put(session_id, phone[-4:]).word)
        if puts[-1] == TAKEN:
            break
    for wait in (0, 1, DELAY, 0):
        mandarin.clock.advance(wait)
        statuses.append(status_word(mandarin.get(session_id)))
    return puts, statuses


def statuses(words: str) -> str:
    return f"200 | 200 | {words}"


def one_bad_post(word: str) -> str:
    return f"{word}, 200 | 200 | {USUAL}"


def one_bad_poll(word: str) -> str:
    return statuses(f"{word}, -…/-…, -…/yes, 2x yes/yes")


def two_bad_polls(word: str) -> str:
    return statuses(f"2x {word}, -…/yes, 2x yes/yes")


def taken_badly(word: str) -> str:
    return f"{word}, 200 | 200 | {USUAL}"


def put(words: str) -> str:
    return f"200 | {words} | {USUAL}"


COURSES = {
    "success": statuses(USUAL),
    "success_person_first": statuses("2x yes/-…, 3x yes/yes"),
    "success_phone_first": statuses(f"2x {WAITS}, 3x -…/yes"),
    "success_with_error_text": statuses(USUAL),
    "success_with_extra_members": statuses(USUAL),
    "success_code_judged_late": statuses(f"3x {WAITS}, 2x yes/yes"),
    "success_with_null_error": statuses(USUAL),
    "person_rejected": statuses(f"2x {WAITS}, -…/yes, 2x no/yes"),
    "person_rejected_without_text": statuses(f"2x {WAITS}, -…/yes, 2x no/yes"),
    "person_rejected_at_once": statuses("2x no/-…, 3x no/yes"),
    "person_rejected_late": statuses(f"2x {WAITS}, 3x -…/yes"),
    "needs_correction": statuses(f"2x {WAITS}, -…/yes, 2x no/yes"),
    "every_code_is_wrong": statuses(f"2x {WAITS}, -…/no, 2x yes/no"),
    "person_never_finishes": statuses(f"2x {WAITS}, 3x -…/yes"),
    "phone_never_verified": statuses(f"3x {WAITS}, 2x yes/-…"),
    "nothing_ever_ends": statuses(f"5x {WAITS}"),
    "poll_500": two_bad_polls("page 500"),
    "poll_503": one_bad_poll("page 503"),
    "poll_429": one_bad_poll("page 429"),
    "poll_hangs": one_bad_poll("hung"),
    "poll_dropped": two_bad_polls("dropped"),
    "poll_html": one_bad_poll("page 200"),
    "poll_truncated": one_bad_poll("garbage"),
    "poll_empty": one_bad_poll("empty"),
    "poll_cut": one_bad_poll("cut"),
    "poll_drips": one_bad_poll("dripping"),
    "poll_redirected": one_bad_poll("page 302"),
    "poll_huge": one_bad_poll("huge"),
    "poll_garbage": one_bad_poll("garbage"),
    "poll_400": two_bad_polls(INVALID),
    "poll_hostile": one_bad_poll("garbage"),
    "poll_list": one_bad_poll("no object"),
    "poll_502": two_bad_polls("page 502"),
    "person_finished_with_null": statuses(f"2x {WAITS}, -…/yes, 2x -/yes"),
    "verdicts_as_text": statuses("2x 'none'…/'none'…, 'none'…/'true'…, 2x 'true'…/'true'…"),
    "verdicts_as_numbers": statuses("2x 0…/0…, 0…/1…, 2x 1…/1…"),
    "foreign_session": statuses(USUAL),
    "without_person": statuses("2x '?'…/-…, '?'…/yes, 2x '?'/yes"),
    "verified_before_its_end": statuses("2x yes…/-…, 3x yes…/yes"),
    "poll_400_for_ever": statuses(f"5x {INVALID}"),
    "phone_finished_with_null": statuses(f"2x {WAITS}, -…/-, 2x yes/-"),
    "without_id": statuses(USUAL),
    "submit_taken_then_dropped": taken_badly("dropped"),
    "submit_dropped": one_bad_post("dropped"),
    "submit_502": one_bad_post("page 502"),
    "submit_503": one_bad_post("page 503"),
    "submit_429": one_bad_post("page 429"),
    "submit_taken_with_500": taken_badly("page 500"),
    "submit_taken_then_hangs": taken_badly("hung"),
    "submit_hangs": one_bad_post("hung"),
    "submit_refused": f"3x {INVALID}",
    "submit_refused_once": one_bad_post(INVALID),
    "submit_taken_html": taken_badly("page 200"),
    "submit_taken_without_id": f"2x 200 | 200 | {USUAL}",
    "submit_taken_truncated": taken_badly("garbage"),
    "submit_taken_id_as_number": f"2x 200 | 200 | {USUAL}",
    "submit_taken_empty": taken_badly("empty"),
    "submit_taken_cut": taken_badly("cut"),
    "submit_taken_garbage": taken_badly("garbage"),
    "submit_taken_empty_id": f"2x 200 | 200 | {USUAL}",
    "submit_taken_hostile": taken_badly("garbage"),
    "submit_taken_drips": taken_badly("dripping"),
    "submit_redirected": one_bad_post("page 302"),
    "credentials_from_now_on": f"200 | 2x {STRANGER} | 5x {STRANGER}",
    "credentials_at_submit": one_bad_post(STRANGER),
    "credentials_on_poll": one_bad_poll(STRANGER),
    "credentials_at_code": put(f"{STRANGER}, 200"),
    "code_taken_then_dropped": put("dropped, 200"),
    "code_dropped": put("dropped, 200"),
    "code_500": put("page 500, 200"),
    "code_taken_with_500": put("page 500, 200"),
    "code_429": put("page 429, 200"),
    "code_refused_once": put(f"{INVALID}, 200"),
    "code_taken_then_hangs": put("hung, 200"),
    "code_hangs": put("hung, 200"),
    "code_taken_html": put("page 200, 200"),
    "code_taken_foreign_id": put("200"),
    "code_refused": f"200 | 2x {INVALID} | 3x {WAITS}, 2x yes/-…",
    "code_503": put("page 503, 200"),
    "code_taken_with_400": put(f"{INVALID}, 200"),
    "code_taken_truncated": put("garbage, 200"),
}


@pytest.mark.parametrize("number", SCENARIOS, ids=lambda number: SCENARIOS[number].name)
def test_scenario_runs_its_documented_course(mandarin: Mandarin, number: int) -> None:
    assert course(mandarin, number) == COURSES[SCENARIOS[number].name]


def test_phone_without_a_scenario_succeeds(mandarin: Mandarin) -> None:
    assert scenario_of(813) is SCENARIOS[0]
    assert course(mandarin, 813) == statuses(USUAL)


def test_second_session_succeeds_when_the_first_was_to_be_corrected(mandarin: Mandarin) -> None:
    phone = mandarin.phone(110)
    ids = [mandarin.post(person(phone)).content["id"] for _ in range(2)]
    mandarin.clock.advance(DELAY)
    assert [status_word(mandarin.get(each)) for each in ids] == ["no/-…", "yes/-…"]


def test_wrong_codes_are_judged_one_by_one_until_there_were_five(mandarin: Mandarin) -> None:
    session_id, right = mandarin.begun(1)
    wrong = "1" + right[1:] if right[0] != "1" else "2" + right[1:]
    for _ in range(5):
        assert mandarin.put(session_id, wrong).word == TAKEN
        mandarin.clock.advance(1)
        assert status_word(mandarin.get(session_id)) == "yes/no"
    assert mandarin.put(session_id, right).word == INVALID
    assert status_word(mandarin.get(session_id)) == "yes/no"


def test_verdict_on_a_wrong_code_stands_while_the_next_one_is_judged(mandarin: Mandarin) -> None:
    session_id, right = mandarin.begun(1)
    mandarin.put(session_id, "0")
    mandarin.clock.advance(1)
    mandarin.put(session_id, right)
    assert status_word(mandarin.get(session_id)) == "yes/no…"
    mandarin.clock.advance(1)
    assert status_word(mandarin.get(session_id)) == "yes/yes"


def test_code_is_refused_when_the_phone_is_verified(mandarin: Mandarin) -> None:
    session_id, right = mandarin.begun(0)
    mandarin.put(session_id, right)
    mandarin.clock.advance(1)
    assert mandarin.put(session_id, right).word == INVALID


def test_status_beside_an_error_text_is_a_success(mandarin: Mandarin) -> None:
    session_id, _ = mandarin.begun(3)
    mandarin.clock.advance(DELAY)
    status = mandarin.get(session_id).content
    assert (status["personVerified"], status["personVerificationError"]) == (True, "Sandbox mode")


def test_calls_are_counted_by_phone_and_by_code(mandarin: Mandarin) -> None:
    phone = mandarin.phone(500)
    mandarin.post(person(phone))
    session_id = mandarin.post(person(phone)).content["id"]
    for code in ("1234", "1234", "99"):
        mandarin.put(session_id, code)
    mandarin.get(session_id)
    counted = mandarin.calls()["subjects"][phone[-7:]]
    sessions = counted["details"].pop("taken")
    assert counted == {
        "submits": 2,
        "taken": 2,
        "codes": 3,
        "codes_taken": 3,
        "polls": 1,
        "details": {"codes": {"1234": 2, "99": 1}},
    }
    # The first one's reply was lost.
    assert sorted(sessions.values()) == [1, 1]
    assert session_id in sessions


GOOD = signed("7")["X-Auth"]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="none"),
        pytest.param(signed(secret="other")["X-Auth"], id="secret"),
        pytest.param(signed(merchant_id="43")["X-Auth"], id="merchant"),
        pytest.param(GOOD.upper(), id="capital-digest"),
        pytest.param(GOOD[:-1] + "8", id="other-request"),
        pytest.param(signed("a-b")["X-Auth"], id="dashes"),
        pytest.param(GOOD + "-", id="four-parts"),
        pytest.param("42-é-1", id="not-ascii"),
    ],
)
def test_request_is_refused_when_it_is_not_signed(mandarin: Mandarin, header: str) -> None:
    body = json.dumps(person(mandarin.phone(0))).encode()
    headers = {"X-Auth": header}
    assert mandarin.send("POST", "", body, headers).word == STRANGER


def test_request_is_refused_when_its_id_was_used_before(mandarin: Mandarin) -> None:
    session_id, _ = mandarin.begun(0)
    header = signed()
    assert mandarin.send("GET", session_id, headers=header).word == "200"
    assert mandarin.send("GET", session_id, headers=header).word == STRANGER
    assert mandarin.calls()["requests"]["replayed"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"inn": "501716749325"}, id="snils-and-inn"),
        pytest.param({"snils": ""}, id="neither"),
        pytest.param({"snils": None, "inn": "501716749325"}, id="inn-without-snils"),
        pytest.param({"snils": "", "inn": "5017167493"}, id="inn-of-a-company"),
        pytest.param({"inn": ""}, id="empty-inn"),
        pytest.param({"snils": "112-233-445 95"}, id="snils-with-separators"),
        pytest.param({"snils": 11223344595}, id="snils-as-number"),
        pytest.param({"phone": "79001234567"}, id="phone-without-plus"),
        pytest.param({"phone": "+78001234567"}, id="phone-no-mobile"),
        pytest.param({"phone": None}, id="no-phone"),
        pytest.param({"passportSeries": "00 01"}, id="series"),
        pytest.param({"passportNumber": "00002"}, id="number"),
        pytest.param({"passportNumber": "٠٠٠٠٠٢"}, id="other-digits"),
        pytest.param({"firstName": " "}, id="blank-name"),
        pytest.param({"patronymic": None}, id="no-patronymic"),
        pytest.param({"birthDate": "1990-01-31"}, id="unknown-member"),
    ],
)
def test_person_is_refused_when_it_is_not_as_documented(
    mandarin: Mandarin, changed: dict[str, Any]
) -> None:
    phone = mandarin.phone(0)
    assert mandarin.post(person(**{"phone": phone, **changed})).word == INVALID
    assert phone[-7:] not in mandarin.calls()["subjects"]


def test_person_is_taken_by_inn_beside_an_empty_snils(mandarin: Mandarin) -> None:
    members = person(mandarin.phone(0), snils="", inn="501716749325")
    assert mandarin.post(members).word == TAKEN


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"{", "application/json", id="no-json"),
        pytest.param(b"[]", "application/json", id="list"),
        pytest.param(b'{"smsCode":"1","smsCode":"1"}', "application/json", id="doubled"),
        pytest.param(b'{"smsCode":1234}', "application/json", id="number"),
        pytest.param(b'{"smsCode":""}', "application/json", id="empty"),
        pytest.param(b'{"smsCode":"12a"}', "application/json", id="letters"),
        pytest.param(b'{"smsCode":"1234"}', "text/plain", id="content-type"),
        pytest.param(b"smsCode=1234", "application/x-www-form-urlencoded", id="form"),
    ],
)
def test_code_is_refused_when_it_is_not_as_documented(
    mandarin: Mandarin, body: bytes, content_type: str
) -> None:
    session_id, _ = mandarin.begun(0)
    headers = {"Content-Type": content_type}
    assert mandarin.send("PUT", session_id, body, headers).word == INVALID


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_session_is_refused_when_nobody_began_it(mandarin: Mandarin, method: str) -> None:
    body = b'{"smsCode":"1234"}' if method == "PUT" else b""
    assert mandarin.send(method, "794d3cc7-a2b4-4579-9173-bafc7d7dc29d", body).word == INVALID


@pytest.mark.parametrize(
    ("mode", "word"),
    [("down", "page 503"), ("hang", "hung"), ("credentials", STRANGER), ("up", TAKEN)],
)
def test_outage_changes_every_answer_and_has_no_effect(
    mandarin: Mandarin, mode: str, word: str
) -> None:
    phone = mandarin.phone(0)
    outage = {"provider": "mandarin", "mode": mode}
    mandarin.session.post(f"{mandarin.address}/_sandbox/outage", json=outage, timeout=PATIENCE)
    heard = mandarin.post(person(phone))
    mandarin.session.post(
        f"{mandarin.address}/_sandbox/outage", json=outage | {"mode": "up"}, timeout=PATIENCE
    )
    assert heard.word == word
    counted = mandarin.calls()["subjects"][phone[-7:]]
    assert (counted["submits"], counted["taken"]) == (1, int(mode == "up"))
