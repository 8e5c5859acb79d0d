"""The magic numbers: the last three digits of the phone; what stands nowhere here succeeds.

- 0xx success,
- 1xx, 2xx, 3xx each error of `updatemonetaprofile`, `updateuserdoc`, `startuprid`: x0n always,
  x5n once and then fine,
- 4xx tasks that end otherwise, and notifications that are wrong or do not come,
- 5xx `startuprid`, 6xx `updatemonetaprofile`, 7xx `updateuserdoc` in trouble.
"""

from typing import Final

from uprid_sandbox.answers import Drop, Hang, json_page
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.moneta.acts import SUCCESS, Ending, Group, Verdict
from uprid_sandbox.npd.acts import (
    Act,
    Course,
    Error,
    Members,
    Method,
    Notification,
    Scenario,
    Tardy,
)
from uprid_sandbox.npd.replies import error
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

#: Seconds: shorter than any client's patience, longer than a notification's way.
_LATENESS: Final = 0.7
_EXPIRED: Final = Notification("EXPIRED")
_FAILED: Final = Course(Ending(Verdict(success=False, code="500.7.3")), (_EXPIRED,))
_UNKNOWN_ERROR: Final = error("maintenance")


def _silent(group: Group | None) -> Course:
    return Course(Ending(act=None, group=group), ())


def _with_strangers(members: Members) -> Members:
    return {"version": 2, **members, "links": {"self": [None]}}


def _ids_as_text(members: Members) -> Members:
    return {name: str(value) if type(value) is int else value for name, value in members.items()}


def _undated(members: Members) -> Members:
    return {name: value for name, value in members.items() if name != "expirationDate"}


def _queued(members: Members) -> Members:
    return members | ({"asyncStatus": "QUEUED"} if "asyncStatus" in members else {})


def _garbled(members: Members) -> Members:
    return members | ({"expirationDate": "soon"} if "expirationDate" in members else {})


def _sent(
    number: int, name: str, what: str, *notifications: Notification, ending: Ending = SUCCESS
) -> Scenario:
    return Scenario(number, name, what, (Course(ending, notifications),))


def _ends(number: int, name: str, what: str, *courses: Course) -> Scenario:
    return Scenario(number, name, what, courses)


#: Each method's errors; an error's place in `Error` is its number.
_ERRORS_OF: Final = {
    Method.PROFILE: (100, frozenset(Error) - {Error.NOT_UPDATED, Error.NO_TASK}),
    Method.DOCUMENT: (200, frozenset(Error) - {Error.NO_TASK}),
    Method.START: (300, frozenset(Error) - {Error.NOT_UPDATED}),
}
_LEADS: Final = {
    Error.NO_PARTNER: "the provider pauses",
    Error.WRONG_SIGNATURE: "the provider pauses",
    Error.NO_USER: "rejected, the marketplace must act",
    Error.NO_UNIT: "rejected, the marketplace must act",
    Error.NO_INN: "rejected, the marketplace must act",
    Error.NOT_UPDATED: "tried again",
    Error.NO_TASK: "tried again",
}
_ONCE: Final = 50


def _errors() -> list[Scenario]:
    return [
        scenario
        for method, (first, errors) in _ERRORS_OF.items()
        for place, code in enumerate(Error)
        if code in errors
        for scenario in _error(method, first + place, code)
    ]


def _error(method: Method, number: int, code: Error) -> tuple[Scenario, Scenario]:
    name = f"{method}_{code.name.lower()}"
    what = f"{method}: `{code}`"
    for_ever = {method: (Step[Act](error(code), EVER),)}
    once = {method: (Step[Act](error(code)),)}
    return (
        Scenario(number, name, f"{what} every time: {_LEADS[code]}", steps=for_ever),
        Scenario(
            number + _ONCE, f"{name}_once", f"{what} once: {_LEADS[code]}, then fine", steps=once
        ),
    )


def _trouble(
    number: int, name: str, method: Method, act: Act, what: str, times: int | None = 1
) -> Scenario:
    steps = {method: (Step(act, times),)}
    return Scenario(number, name, f"{method}: not taken, {what}", steps=steps)


def _taken(number: int, name: str, act: Act, what: str) -> Scenario:
    steps = {Method.START: (Step(act, taken=True),)}
    return Scenario(number, name, f"startuprid: taken, {what}; SUCCESS comes", steps=steps)


_SUCCESSES: Final = (
    Scenario(0, "success", "SUCCESS after the delay"),
    _sent(1, "success_slowly", "SUCCESS after three times the delay", Notification(after=3),
          ending=Ending(Verdict(), Group.SIMPLIFIED, after=3)),
    Scenario(2, "success_before_the_answer", "SUCCESS comes, then the answer to startuprid",
             (Course(Ending(Verdict(), Group.SIMPLIFIED, after=0), (Notification(after=0),)),),
             {Method.START: (Step(Tardy(_LATENESS), taken=True),)}),
    _sent(3, "success_twice", "SUCCESS twice, with one notificationId", Notification(),
          Notification(again=True)),
    _sent(4, "success_twice_renumbered", "SUCCESS twice, with two notificationIds", Notification(),
          Notification()),
    _sent(5, "foreign_phone_first", "SUCCESS with another phone, then the true one",
          Notification(after=0.5, foreign_phone=True), Notification()),
    _sent(6, "unknown_task_first", "SUCCESS of an unknown asyncId, then the true one",
          Notification(after=0.5, foreign_task=True), Notification()),
    Scenario(7, "success_with_extra_members",
             "SUCCESS; everything holds undocumented members",
             look=_with_strangers),
    _sent(8, "success_moved_late", "SUCCESS; the profile stays anonymous for another delay",
          Notification(), ending=Ending(Verdict(), Group.SIMPLIFIED, after=2)),
    _sent(9, "expired_then_success", "EXPIRED, then SUCCESS; profile simplified", _EXPIRED,
          Notification(after=1.5)),
    Scenario(10, "success_ids_as_text", "SUCCESS; every number is a string", look=_ids_as_text),
    _sent(11, "success_then_expired", "SUCCESS, then EXPIRED; profile simplified", Notification(),
          Notification("EXPIRED", after=1.5)),
    _sent(12, "success_at_once", "SUCCESS at the moment of the answer to startuprid",
          Notification(after=0), ending=Ending(Verdict(), Group.SIMPLIFIED, after=0)),
)  # fmt: skip

_ENDINGS: Final = (
    _ends(400, "expired_anonymous", "EXPIRED; profile anonymous: not identified", _FAILED),
    _sent(401, "expired_simplified", "EXPIRED; profile simplified: success", _EXPIRED),
    _ends(402, "silent_anonymous", "nothing until expirationDate; profile anonymous: not "
          "identified", _silent(None)),
    _ends(403, "silent_simplified", "nothing until expirationDate; profile simplified: success",
          _silent(Group.SIMPLIFIED)),
    _ends(404, "silent_full", "nothing until expirationDate; profile full: success",
          _silent(Group.FULL)),
    _ends(405, "silent_unknown_group", "nothing until expirationDate; a group of no setting: a "
          "person", _silent(Group.UNKNOWN)),
    _sent(406, "success_but_anonymous", "SUCCESS; the profile stays anonymous: a person",
          Notification(), ending=Ending(act=None)),
    _sent(407, "success_without_account", "SUCCESS without mntAccountId",
          Notification(members={"mntAccountId": None})),
    _sent(408, "status_unknown", "an unknown status; profile anonymous: not identified",
          Notification("SUSPENDED"), ending=Ending(act=None)),
    _sent(409, "foreign_phone_only", "SUCCESS with another phone, never the true one; profile "
          "anonymous: not identified", Notification(foreign_phone=True), ending=Ending(act=None)),
    _ends(410, "needs_correction", "EXPIRED for the phone's first task, SUCCESS for the next ones",
          _FAILED, Course()),
    _sent(411, "success_too_late", "SUCCESS a delay after expirationDate; profile anonymous: not "
          "identified, and a late answer", Notification(overdue=True), ending=Ending(act=None)),
    _sent(412, "other_name", "SUCCESS under another notificationName; profile anonymous: not "
          "identified", Notification(members={"notificationName": "receipt"}),
          ending=Ending(act=None)),
    _sent(413, "unknown_task_only", "SUCCESS of an unknown asyncId, never the true one; profile "
          "anonymous: not identified", Notification(foreign_task=True), ending=Ending(act=None)),
    _ends(414, "silent_without_group", "nothing until expirationDate; no parentid in the profile: "
          "a person", _silent(Group.NONE)),
)  # fmt: skip


_STARTS: Final = (
    _taken(500, "start_taken_then_dropped", Drop(), "the connection dropped"),
    _trouble(501, "start_dropped", Method.START, Drop(), "the connection dropped: doubtful"),
    _trouble(502, "start_502", Method.START, BAD_GATEWAY, "one 502 page: doubtful"),
    _trouble(503, "start_503", Method.START, UNAVAILABLE, "one 503 with Retry-After: 1: doubtful"),
    _trouble(504, "start_429", Method.START, TOO_MANY, "one 429 with Retry-After: 1"),
    _taken(505, "start_taken_with_500", SERVER_ERROR, "a 500 page"),
    _taken(506, "start_taken_then_hangs", Hang(), "never a reply"),
    _trouble(507, "start_hangs", Method.START, Hang(), "never a reply: doubtful"),
    _taken(508, "start_taken_html", WELCOME, "an HTML page with 200"),
    _taken(509, "start_taken_without_async_id", json_page(200, {"asyncStatus": "CREATED"}),
           "the reply holds no asyncId"),
    _taken(510, "start_taken_truncated", Flaw.TRUNCATED, "half of the reply"),
    _taken(511, "start_taken_garbage", GARBAGE, "a 200 that is no JSON"),
    Scenario(512, "start_undated", "startuprid names no expirationDate; SUCCESS comes",
             look=_undated),
    Scenario(513, "start_status_unknown", "startuprid answers an unknown status; SUCCESS "
             "comes", look=_queued),
    _taken(514, "start_taken_cut", Flaw.CUT, "the connection dropped in the middle"),
    _taken(515, "start_taken_drips", Flaw.DRIPPING, "a byte in a quarter of a second"),
    _trouble(516, "start_unknown_error", Method.START, _UNKNOWN_ERROR,
             "an unknown error, every time: a person", EVER),
    Scenario(517, "start_taken_then_silence", "startuprid: taken, the connection dropped; nothing "
             "comes, profile anonymous: a person", (_silent(None),),
             {Method.START: (Step(Drop(), taken=True),)}),
    _taken(518, "start_taken_contradiction",
           json_page(200, {"error": Error.NO_TASK, "asyncId": 7}),
           "an error and an asyncId in one reply"),
    _taken(519, "start_taken_empty", EMPTY, "an empty 200"),
    Scenario(520, "start_date_garbled", "startuprid's expirationDate is no date; SUCCESS comes",
             look=_garbled),
    _taken(521, "start_taken_hostile", DEEP, "a reply made to hurt its reader"),
    _taken(522, "start_taken_huge", Flaw.HUGE, "a reply of sixteen megabytes"),
    _trouble(523, "start_redirected", Method.START, REDIRECT, "one redirect to elsewhere"),
    _taken(524, "start_taken_list", LIST, "a list in the place of an object"),
    Scenario(525, "start_taken_then_expired", "startuprid: taken, the connection dropped; EXPIRED "
             "comes, profile anonymous", (_FAILED,), {Method.START: (Step(Drop(), taken=True),)}),
)  # fmt: skip


def _first_steps(first: int, name: str, method: Method, breach: Members) -> list[Scenario]:
    """Return the trouble of a step that may be repeated: it is, and then all is well."""
    acts: list[tuple[str, Act, str, int | None]] = [
        ("502", BAD_GATEWAY, "two 502 pages, then fine", 2),
        ("dropped", Drop(), "two connections dropped, then fine", 2),
        ("hangs", Hang(), "never a reply, then fine", 1),
        ("503", UNAVAILABLE, "one 503 with Retry-After: 1, then fine", 1),
        ("429", TOO_MANY, "one 429 with Retry-After: 1, then fine", 1),
        ("html", WELCOME, "one HTML page with 200, then fine", 1),
        ("garbage", GARBAGE, "one 200 that is no JSON, then fine", 1),
        ("breach", json_page(200, breach), "a reply that is not as documented, every time", EVER),
        ("unknown_error", _UNKNOWN_ERROR, "an unknown error, every time: a person", EVER),
        ("500", SERVER_ERROR, "two 500 pages, then fine", 2),
    ]
    return [
        _trouble(first + place, f"{name}_{short}", method, act, what, times)
        for place, (short, act, what, times) in enumerate(acts)
    ]


SCENARIOS: Final[dict[int, Scenario]] = {
    each.number: each
    for table in (
        _SUCCESSES,
        _errors(),
        _ENDINGS,
        _STARTS,
        _first_steps(600, "profile", Method.PROFILE, {"updated": False}),
        _first_steps(700, "document", Method.DOCUMENT, {"docId": 7}),
    )
    for each in table
}


def scenario_of(number: int) -> Scenario:
    """Return what befalls a phone that ends in these three digits."""
    return SCENARIOS.get(number, SCENARIOS[0])
