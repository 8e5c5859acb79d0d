"""The magic numbers: the last three digits of the phone; what stands nowhere here succeeds.

- 0xx success, 1xx the provider's own verdicts, 2xx no answer in time,
- 3xx GETs that go wrong and then go well, 4xx answers that break the contract,
- 5xx POSTs, 6xx credentials, 7xx PUTs.

The right code is always the phone's last four digits.
"""

from collections.abc import Callable
from typing import Final

from uprid_sandbox.answers import Drop, Hang, json_page
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.mandarin.acts import PASSED, Act, Check, Scenario, Status
from uprid_sandbox.mandarin.replies import INVALID, UNAUTHORIZED
from uprid_sandbox.pages import (
    BAD_GATEWAY,
    DEEP,
    EMPTY,
    GARBAGE,
    LIST,
    REDIRECT,
    SERVER_ERROR,
    TOO_MANY,
    UNAVAILABLE,
    WELCOME,
)
from uprid_sandbox.steps import EVER, Step

_FOREIGN_ID: Final = "00000000-0000-4000-8000-000000000000"
_VERDICTS: Final = (
    "phoneVerified",
    "phoneVerificationFinished",
    "personVerified",
    "personVerificationFinished",
)
_REFUSED: Final = "Данные не подтверждены"


def _as_texts(status: Status) -> Status:
    return status | {name: str(status[name]).lower() for name in _VERDICTS}


def _as_numbers(status: Status) -> Status:
    return status | {name: int(status[name] or 0) for name in _VERDICTS}


def _of_another(status: Status) -> Status:
    return status | {"id": _FOREIGN_ID}


def _without_person(status: Status) -> Status:
    return {name: value for name, value in status.items() if name != "personVerified"}


def _without_id(status: Status) -> Status:
    return {name: value for name, value in status.items() if name != "id"}


def _before_its_end(status: Status) -> Status:
    return status | {"personVerified": True, "personVerificationFinished": False}


def _without_phone_verdict(status: Status) -> Status:
    ended = status["phoneVerified"] is not None
    return status | {"phoneVerified": None, "phoneVerificationFinished": ended}


def _with_null_error(status: Status) -> Status:
    return status | {"personVerificationError": None}


def _with_strangers(status: Status) -> Status:
    return {"version": 2, **status, "billing": {"free": [1, None]}}


def _check(number: int, name: str, check: Check, what: str) -> Scenario:
    return Scenario(number, name, what, (check,))


def _poll(number: int, name: str, act: Act, what: str, times: int = 1) -> Scenario:
    return Scenario(number, name, f"GET: {what}, then success", polls=(Step(act, times),))


def _look(number: int, name: str, look: Callable[[Status], Status], what: str) -> Scenario:
    return Scenario(number, name, what, look=look)


def _submit(number: int, name: str, act: Act, what: str, times: int | None = 1) -> Scenario:
    return Scenario(number, name, f"POST: not taken, {what}", submits=(Step(act, times),))


def _taken(number: int, name: str, act: Act, what: str) -> Scenario:
    step = Step(act, taken=True)
    return Scenario(number, name, f"POST: taken, {what}: a person", submits=(step,))


def _code(number: int, name: str, act: Act, what: str, times: int | None = 1) -> Scenario:
    return Scenario(number, name, f"PUT: not taken, {what}", codes=(Step(act, times),))


def _code_taken(number: int, name: str, act: Act, what: str) -> Scenario:
    step = Step(act, taken=True)
    return Scenario(number, name, f"PUT: taken, {what}; the status tells", codes=(step,))


_SUCCESSES: Final = (
    Scenario(0, "success", "success after the delay and the right code"),
    _check(1, "success_person_first", Check(after=0), "success; the person's check ends at once"),
    _check(2, "success_phone_first", Check(after=3),
           "success; the person's check takes three times the delay"),
    _check(3, "success_with_error_text", Check(error="Sandbox mode"),
           "success beside a personVerificationError"),
    _look(4, "success_with_extra_members", _with_strangers,
          "success; the status holds undocumented members"),
    Scenario(5, "success_code_judged_late", "success; a code is judged after ten times its delay",
             judged_after=10),
    _look(6, "success_with_null_error", _with_null_error,
          "success; personVerificationError is null where it should be empty"),
)  # fmt: skip

_ENDINGS: Final = (
    _check(100, "person_rejected", Check(verified=False, error=_REFUSED),
           "the person's data is wrong: rejected"),
    _check(101, "person_rejected_without_text", Check(verified=False),
           "the person's data is wrong, no text: rejected"),
    _check(102, "person_rejected_at_once", Check(verified=False, error=_REFUSED, after=0),
           "the person's data is wrong before any code comes: rejected"),
    _check(103, "person_rejected_late", Check(verified=False, error=_REFUSED, after=3),
           "the person's data is wrong, after three times the delay: rejected"),
    Scenario(110, "needs_correction",
             "the phone's first session is rejected, the next ones succeed",
             (Check(verified=False, error=_REFUSED), PASSED)),
    Scenario(120, "every_code_is_wrong", "no code is right: five of them are rejected", deaf=True),
)  # fmt: skip

_SILENCES: Final = (
    _check(200, "person_never_finishes", Check(after=None),
           "the person's check never ends: expired"),
    Scenario(201, "phone_never_verified", "no code is ever judged, phoneVerified stays null: "
             "asked for again, expired in the end", judged_after=None),
    Scenario(202, "nothing_ever_ends", "neither check ever ends: expired", (Check(after=None),),
             judged_after=None),
)  # fmt: skip

_POLLS: Final = (
    _poll(300, "poll_500", SERVER_ERROR, "two 500 pages", 2),
    _poll(301, "poll_503", UNAVAILABLE, "one 503 with Retry-After: 1"),
    _poll(302, "poll_429", TOO_MANY, "one 429 with Retry-After: 1"),
    _poll(303, "poll_hangs", Hang(), "the first never gets a reply"),
    _poll(304, "poll_dropped", Drop(), "two connections dropped", 2),
    _poll(305, "poll_html", WELCOME, "one HTML page with 200"),
    _poll(306, "poll_truncated", Flaw.TRUNCATED, "half of a status in a whole reply"),
    _poll(307, "poll_empty", EMPTY, "one empty 200"),
    _poll(308, "poll_cut", Flaw.CUT, "a connection dropped in the middle of a status"),
    _poll(309, "poll_drips", Flaw.DRIPPING, "a reply of one byte in a quarter of a second"),
    _poll(310, "poll_redirected", REDIRECT, "one redirect to elsewhere"),
    _poll(311, "poll_huge", Flaw.HUGE, "one reply of sixteen megabytes"),
    _poll(312, "poll_garbage", GARBAGE, "one 200 that is no JSON"),
    _poll(313, "poll_400", INVALID, "two 400 Invalid request", 2),
    _poll(314, "poll_hostile", DEEP, "one reply made to hurt its reader by its depth"),
    _poll(315, "poll_list", LIST, "one list in the place of an object"),
    _poll(316, "poll_502", BAD_GATEWAY, "two 502 pages", 2),
)  # fmt: skip

_BREACHES: Final = (
    _check(400, "person_finished_with_null", Check(verified=None),
           "the person's check ends with personVerified null: a person"),
    _look(401, "verdicts_as_text", _as_texts, "booleans are strings, always: no verdict"),
    _look(402, "verdicts_as_numbers", _as_numbers, "booleans are 0 and 1, always: no verdict"),
    _look(403, "foreign_session", _of_another, "the status of another id, always: no verdict"),
    _look(404, "without_person", _without_person, "personVerified is missing: no verdict"),
    _look(405, "verified_before_its_end", _before_its_end,
          "personVerified is true while its check is never finished: expired"),
    Scenario(406, "poll_400_for_ever", "GET: always 400 Invalid request: a person",
             polls=(Step(INVALID, EVER),)),
    _look(407, "phone_finished_with_null", _without_phone_verdict,
          "phoneVerificationFinished while phoneVerified is null: no verdict"),
    _look(408, "without_id", _without_id, "the status holds no id: no verdict of a known session"),
)  # fmt: skip

_SUBMITS: Final = (
    _taken(500, "submit_taken_then_dropped", Drop(), "the connection dropped"),
    _submit(501, "submit_dropped", Drop(), "the connection dropped: doubtful, a person"),
    _submit(502, "submit_502", BAD_GATEWAY, "one 502 page: doubtful, a person"),
    _submit(503, "submit_503", UNAVAILABLE, "one 503 with Retry-After: 1: doubtful, a person"),
    _submit(504, "submit_429", TOO_MANY, "one 429 with Retry-After: 1"),
    _taken(505, "submit_taken_with_500", SERVER_ERROR, "a 500 page"),
    _taken(506, "submit_taken_then_hangs", Hang(), "never a reply"),
    _submit(507, "submit_hangs", Hang(), "never a reply: doubtful, a person"),
    _submit(508, "submit_refused", INVALID, "always 400 Invalid request: rejected, retryable",
            EVER),
    _submit(509, "submit_refused_once", INVALID, "one 400 Invalid request: rejected, retryable"),
    _taken(510, "submit_taken_html", WELCOME, "an HTML page with 200"),
    _taken(511, "submit_taken_without_id", json_page(200, {}), "the reply holds no id"),
    _taken(512, "submit_taken_truncated", Flaw.TRUNCATED, "half of the reply"),
    _taken(513, "submit_taken_id_as_number", json_page(200, {"id": 7}), "the id is a number"),
    _taken(514, "submit_taken_empty", EMPTY, "an empty 200"),
    _taken(515, "submit_taken_cut", Flaw.CUT, "the connection dropped in the middle"),
    _taken(516, "submit_taken_garbage", GARBAGE, "a 200 that is no JSON"),
    _taken(517, "submit_taken_empty_id", json_page(200, {"id": ""}), "the id is empty"),
    _taken(518, "submit_taken_hostile", DEEP, "a reply made to hurt its reader"),
    _taken(519, "submit_taken_drips", Flaw.DRIPPING, "a byte in a quarter of a second"),
    _submit(520, "submit_redirected", REDIRECT, "one redirect to elsewhere: doubtful, a person"),
)  # fmt: skip

_CREDENTIALS: Final = (
    Scenario(600, "credentials_from_now_on", "taken; then everything about it gets 401: "
             "the provider pauses", once_taken=UNAUTHORIZED),
    _submit(601, "credentials_at_submit", UNAUTHORIZED, "one 401: the provider pauses"),
    _poll(602, "credentials_on_poll", UNAUTHORIZED, "one 401: the provider pauses"),
    _code(603, "credentials_at_code", UNAUTHORIZED, "one 401: the provider pauses"),
)  # fmt: skip

_CODES: Final = (
    _code_taken(700, "code_taken_then_dropped", Drop(), "the connection dropped"),
    _code(701, "code_dropped", Drop(), "the connection dropped: asked for again in the end"),
    _code(702, "code_500", SERVER_ERROR, "one 500 page: asked for again in the end"),
    _code_taken(703, "code_taken_with_500", SERVER_ERROR, "a 500 page"),
    _code(704, "code_429", TOO_MANY, "one 429 with Retry-After: 1"),
    _code(705, "code_refused_once", INVALID, "one 400 Invalid request: asked for again"),
    _code_taken(706, "code_taken_then_hangs", Hang(), "never a reply"),
    _code(707, "code_hangs", Hang(), "never a reply: asked for again in the end"),
    _code_taken(708, "code_taken_html", WELCOME, "an HTML page with 200"),
    _code_taken(709, "code_taken_foreign_id", json_page(200, {"id": _FOREIGN_ID}), "another id"),
    _code(710, "code_refused", INVALID, "always 400 Invalid request: five of them are rejected",
          EVER),
    _code(711, "code_503", UNAVAILABLE, "one 503 with Retry-After: 1: asked for again in the end"),
    _code_taken(712, "code_taken_with_400", INVALID, "400 Invalid request all the same"),
    _code_taken(713, "code_taken_truncated", Flaw.TRUNCATED, "half of the reply"),
)  # fmt: skip

SCENARIOS: Final[dict[int, Scenario]] = {
    each.number: each
    for table in (
        _SUCCESSES,
        _ENDINGS,
        _SILENCES,
        _POLLS,
        _BREACHES,
        _SUBMITS,
        _CREDENTIALS,
        _CODES,
    )
    for each in table
}


def scenario_of(number: int) -> Scenario:
    """Return what befalls a phone that ends in these three digits."""
    return SCENARIOS.get(number, SCENARIOS[0])
