"""The magic numbers: a unit's scenario is `unit_id % 1000`; what stands nowhere here succeeds.

- 0xx success, 1xx the provider's own verdicts, 2xx no answer in time: settlement,
- 3xx polls that go wrong and then go well, 4xx answers that break the contract,
- 5xx submits, 6xx credentials, 7xx and 8xx each code as a fault on submit and on poll (`cells`).

Both languages run them all; where one of them cannot say a thing, it says its like.
"""

from typing import Final

from uprid_sandbox.answers import Drop, Hang, Page, html_page
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.moneta.acts import (
    SUCCESS,
    Act,
    Ending,
    Group,
    Nonsense,
    Oddity,
    Profile,
    Progress,
    Refusal,
    Scenario,
    Spoilt,
    Verdict,
    Whose,
)
from uprid_sandbox.moneta.cells import CELLS
from uprid_sandbox.moneta.messages import Manner, Written
from uprid_sandbox.steps import EVER, Step

_BAD_GATEWAY: Final = html_page(502, "Bad Gateway")
_UNAVAILABLE: Final = html_page(503, "Service Unavailable", {"Retry-After": "1"})
_TOO_MANY: Final = html_page(429, "Too Many Requests", {"Retry-After": "1"})
_WELCOME: Final = html_page(200, "Maintenance")
# Port 9 of loopback: a client that follows the redirect reaches no server.
_REDIRECT: Final = html_page(302, "Found", {"Location": "http://127.0.0.1:9/services"})

_ANONYMOUS: Final = Profile(Group.ANONYMOUS)
_MOVED_LATE: Final = (Step(_ANONYMOUS),)
#: No answer, and the unit stays where it was.
_SILENCE: Final = Ending(act=None)


def _silent(number: int, name: str, group: Group, what: str) -> Scenario:
    ending = Ending(act=None, group=group)
    return Scenario(number, name, f"no answer until it expires; {what}", (ending,))


def _over(
    number: int, name: str, code: str, group: Group, what: str, profiles: tuple[Step[Act], ...] = ()
) -> Scenario:
    how = {"500.7.2": "ends in a fault 500.7.2", "500.9.1": "is lost (500.9.1)"}[code]
    ending = Ending(Refusal(code), group)
    return Scenario(number, name, f"the task {how}; {what}", (ending,), profiles=profiles)


def _poll_trouble(number: int, name: str, step: Step[Act], what: str) -> Scenario:
    return Scenario(number, name, f"{what}, then success", polls=(step,))


def _ends_with(number: int, name: str, act: Verdict | Refusal | Page, what: str) -> Scenario:
    return Scenario(number, name, what, (Ending(act),))


def _succeeds(number: int, name: str, act: Verdict, what: str) -> Scenario:
    return Scenario(number, name, what, (Ending(act, Group.SIMPLIFIED),))


def _submit(number: int, name: str, step: Step[Act], what: str) -> Scenario:
    return Scenario(number, name, what, submits=(step,))


_SUCCESSES: Final = (
    Scenario(0, "success", "success"),
    Scenario(
        1,
        "success_without_unitid",
        "success whose profile holds no unitid",
        (Ending(Verdict(whose=Whose.ABSENT), Group.SIMPLIFIED),),
    ),
    Scenario(
        2,
        "success_slowly",
        "success after three times the delay",
        (Ending(Verdict(), Group.SIMPLIFIED, after=3),),
    ),
    Scenario(3, "success_after_created", "CREATED, never INPROGRESS, then success",
             pending=Progress("CREATED")),
    Scenario(4, "success_undated_polls", "INPROGRESS without expirationDate, then success",
             pending=Progress(dated=False)),
    Scenario(5, "success_never_dated", "no expirationDate anywhere, then success",
             pending=Progress(dated=False), created=Progress("CREATED", dated=False)),
    Scenario(6, "success_with_extra_members",
             "success; every object holds undocumented members",
             manner=Manner.STRANGERS),
    Scenario(7, "success_before_group", "success; two profile checks still say anonymous",
             profiles=(Step(_ANONYMOUS, 2),)),
    Scenario(8, "success_spelt_otherwise",
             "success, as another of the provider's pages spells it (SOAP: namespace without www)",
             manner=Manner.OTHER_SPELLING),
    Scenario(9, "success_with_nulls", "success; some attributes are null", manner=Manner.NULLS),
    _succeeds(10, "success_as_one", Verdict(Written(json=True, xml="1")),
              "success; SOAP says 1, the other true of xsd:boolean"),
    _succeeds(11, "success_with_empty_error", Verdict(oddity=Oddity.EMPTY_ERROR),
              "success beside an empty error and errorCode, as the schema's text has it"),
    _succeeds(12, "success_with_null_error", Verdict(oddity=Oddity.NULL_ERROR),
              "success beside a null error and errorCode, which the schema does not allow"),
    Scenario(13, "success_in_every_manner", "success with strangers, nulls and the other spelling",
             manner=Manner.STRANGERS | Manner.NULLS | Manner.OTHER_SPELLING),
)  # fmt: skip

#: Beside the result column of `cells`.
_VERDICTS: Final = (
    Scenario(
        150,
        "needs_correction",
        "the unit's first task is rejected with 500.7.3, the next ones succeed",
        (Ending(Verdict(success=False, code="500.7.3")), SUCCESS),
    ),
    Scenario(
        151,
        "rejected_by_fault_on_poll",
        "the task ends in a fault 500.7.3: rejected, retryable",
        (Ending(Refusal("500.7.3")),),
    ),
    Scenario(
        152,
        "already_identified_on_poll",
        "the task ends in a fault 500.7.11: success",
        (Ending(Refusal("500.7.11"), Group.SIMPLIFIED),),
    ),
)

_SETTLEMENTS: Final = (
    _silent(200, "expired_anonymous", Group.ANONYMOUS, "group anonymous: not identified"),
    _silent(201, "expired_simplified", Group.SIMPLIFIED, "group simplified: success"),
    _silent(202, "expired_full", Group.FULL, "group full: success"),
    _silent(203, "expired_unknown_group", Group.UNKNOWN, "a group of no setting: a person"),
    _silent(204, "expired_without_group", Group.NONE, "no parentid in the profile: a person"),
    Scenario(
        205,
        "expired_moved_late",
        "no answer until it expires; the first profile check says anonymous, the second simplified",
        (Ending(act=None, group=Group.SIMPLIFIED),),
        profiles=_MOVED_LATE,
    ),
    Scenario(
        206,
        "in_progress_for_ever",
        "INPROGRESS even past its expirationDate; group anonymous: not identified",
        (Ending(act=None, expires=False),),
    ),
    Scenario(
        207,
        "expired_profile_unavailable",
        "no answer until it expires; profile checks get a 502 page, a fault 100, then simplified",
        (Ending(act=None, group=Group.SIMPLIFIED),),
        profiles=(Step(_BAD_GATEWAY), Step(Refusal("100"))),
    ),
    Scenario(
        208,
        "expired_foreign_profile",
        "no answer until it expires; profile checks tell of another unit: never a success",
        (_SILENCE,),
        profiles=(Step(Profile(Group.SIMPLIFIED, Whose.FOREIGN), EVER),),
    ),
    _over(210, "wait_ended_anonymous", "500.7.2", Group.ANONYMOUS,
          "group anonymous: not identified"),
    _over(211, "wait_ended_simplified", "500.7.2", Group.SIMPLIFIED, "group simplified: success"),
    _over(212, "wait_ended_full", "500.7.2", Group.FULL, "group full: success"),
    _over(213, "wait_ended_unknown_group", "500.7.2", Group.UNKNOWN,
          "a group of no setting: a person"),
    _over(214, "wait_ended_without_group", "500.7.2", Group.NONE,
          "no parentid in the profile: a person"),
    _over(215, "wait_ended_moved_late", "500.7.2", Group.SIMPLIFIED,
          "the first profile check says anonymous, the second simplified", _MOVED_LATE),
    _over(220, "lost_anonymous", "500.9.1", Group.ANONYMOUS, "group anonymous: not identified"),
    Scenario(
        221,
        "lost_simplified",
        "the task is lost (500.9.1, spelt otherwise: `Fault` in JSON); group simplified: success",
        (Ending(Refusal("500.9.1"), Group.SIMPLIFIED),),
        manner=Manner.OTHER_SPELLING,
    ),
    Scenario(
        222,
        "lost_wordily",
        "the task is lost (500.9.1 after other elements of detail); group simplified: success",
        (Ending(Refusal("500.9.1", wordy=True), Group.SIMPLIFIED),),
    ),
    _over(223, "lost_full", "500.9.1", Group.FULL, "group full: success"),
    _over(224, "lost_unknown_group", "500.9.1", Group.UNKNOWN, "a group of no setting: a person"),
    _over(225, "lost_without_group", "500.9.1", Group.NONE, "no parentid in the profile: a person"),
    _over(226, "lost_moved_late", "500.9.1", Group.SIMPLIFIED,
          "the first profile check says anonymous, the second simplified", _MOVED_LATE),
)  # fmt: skip

_POLLS: Final = (
    _poll_trouble(300, "poll_502", Step(_BAD_GATEWAY, 2), "two 502 pages"),
    _poll_trouble(301, "poll_503", Step(_UNAVAILABLE), "one 503 with Retry-After: 1"),
    _poll_trouble(302, "poll_429", Step(_TOO_MANY), "one 429 with Retry-After: 1"),
    _poll_trouble(303, "poll_hangs", Step(Hang()), "the first poll never gets a reply"),
    _poll_trouble(304, "poll_dropped", Step(Drop(), 2), "two connections dropped"),
    _poll_trouble(305, "poll_garbage", Step(Nonsense.GARBAGE), "one 200 that is no document"),
    _poll_trouble(306, "poll_truncated", Step(Spoilt(Flaw.TRUNCATED, Verdict())),
                  "half of a result in a whole reply"),
    _poll_trouble(307, "poll_empty", Step(Nonsense.EMPTY), "one empty 200"),
    _poll_trouble(308, "poll_cut", Step(Spoilt(Flaw.CUT, Verdict())),
                  "a connection dropped in the middle of a result"),
    _poll_trouble(309, "poll_drips", Step(Spoilt(Flaw.DRIPPING, Progress())),
                  "a reply of one byte in a quarter of a second"),
    _poll_trouble(310, "poll_redirected", Step(_REDIRECT), "one redirect to elsewhere"),
    _poll_trouble(311, "poll_huge", Step(Spoilt(Flaw.HUGE, Progress())),
                  "one reply of sixteen megabytes"),
    _poll_trouble(312, "poll_html", Step(_WELCOME), "one HTML page with 200"),
    _poll_trouble(313, "poll_no_envelope", Step(Nonsense.NO_ENVELOPE),
                  "a document without an Envelope"),
    _poll_trouble(314, "poll_hostile", Step(Nonsense.HOSTILE),
                  "one reply made to hurt its reader (entities in SOAP, depth in JSON)"),
    _poll_trouble(320, "poll_smev", Step(Refusal("500.8.3.1.1"), 2), "two faults 500.8.3.1.1"),
    _poll_trouble(321, "poll_fault_100", Step(Refusal("100"), 2), "two faults 100"),
    _poll_trouble(322, "poll_fault_codeless", Step(Refusal(None), 2),
                  "two faults without faultDetail"),
    _poll_trouble(323, "poll_status_unknown", Step(Progress("SUSPENDED")),
                  "one asyncStatus that the schema does not know"),
)  # fmt: skip

_BREACHES: Final = (
    _ends_with(400, "success_as_text", Verdict(Written(json="true", xml="TRUE")),
               "success is a string (SOAP: TRUE): a person"),
    _ends_with(401, "foreign_unit", Verdict(whose=Whose.FOREIGN),
               "success for another unit: a person, never a success"),
    _ends_with(402, "rejected_without_code", Verdict(success=False),
               "success false without errorCode: a person"),
    _ends_with(403, "rejected_unknown_code", Verdict(success=False, code="500.7.999"),
               "an unknown errorCode: a person"),
    Scenario(404, "status_unknown", "an unknown asyncStatus on every poll: a person",
             (_SILENCE,), polls=(Step(Progress("SUSPENDED"), EVER),)),
    _ends_with(406, "poll_fault_unknown", Refusal("500.99.1"),
               "an unknown fault on every poll: a person"),
    _ends_with(407, "success_as_number", Verdict(Written(json=1, xml="1.0")),
               "success is 1 (SOAP: 1.0): a person"),
    _ends_with(408, "without_success", Verdict(oddity=Oddity.NO_SUCCESS),
               "a result without success: a person"),
    Scenario(409, "other_task", "polls answer for another asyncId: no verdict",
             (_SILENCE,), polls=(Step(Progress(shifted=1), EVER),)),
    _ends_with(410, "status_beside_result", Verdict(oddity=Oddity.STATUS_TOO),
               "a result and a status in one answer, which the schema excludes"),
    _ends_with(411, "fault_codeless", Refusal(None),
               "a fault without faultDetail on every poll: no verdict, and in the end settled"),
    _ends_with(412, "success_with_code", Verdict(code="500.7.3"),
               "success true beside an errorCode: a contradiction"),
)  # fmt: skip

_SUBMITS: Final = (
    Scenario(
        500,
        "submit_taken_then_dropped",
        "taken, no reply; the unit is identified at once: success by the profile",
        (Ending(Verdict(), Group.SIMPLIFIED, after=0),),
        submits=(Step(Drop(), taken=True),),
    ),
    _submit(501, "submit_taken_then_dropped_slowly", Step(Drop(), taken=True),
            "taken, no reply; the unit is identified after the delay"),
    _submit(502, "submit_dropped", Step(Drop()),
            "not taken, no reply; group anonymous: doubtful, a person"),
    _submit(503, "submit_502", Step(_BAD_GATEWAY),
            "not taken, a 502 page; group anonymous: doubtful, a person"),
    Scenario(
        504,
        "submit_taken_with_502",
        "taken, a 502 page; the unit is identified at once: success by the profile",
        (Ending(Verdict(), Group.SIMPLIFIED, after=0),),
        submits=(Step(_BAD_GATEWAY, taken=True),),
    ),
    _submit(505, "submit_smev", Step(Refusal("500.8.3.1.1"), 2),
            "two faults 500.8.3.1.1, then taken: success"),
    _submit(506, "submit_document_doubted", Step(Refusal("500.7.10"), EVER),
            "fault 500.7.10: a person"),
    _submit(507, "submit_no_access", Step(Refusal("300.2"), EVER), "fault 300.2: a person"),
    _submit(508, "submit_fault_codeless", Step(Refusal(None), EVER),
            "not taken, a fault without faultDetail: doubtful, a person"),
    _submit(509, "submit_fault_100", Step(Refusal("100"), EVER),
            "not taken, a fault 100; group anonymous: doubtful, a person"),
    Scenario(
        510,
        "submit_taken_with_fault_100",
        "taken, a fault 100; the unit is identified at once: success by the profile",
        (Ending(Verdict(), Group.SIMPLIFIED, after=0),),
        submits=(Step(Refusal("100"), taken=True),),
    ),
    Scenario(
        511,
        "already_identified",
        "fault 500.7.11: success",
        submits=(Step(Refusal("500.7.11"), EVER),),
        profiles=(Step(Profile(Group.SIMPLIFIED), EVER),),
    ),
    _submit(512, "submit_rejected", Step(Refusal("500.7.3")),
            "fault 500.7.3 at first: rejected, retryable; the next submit succeeds"),
    _submit(513, "submit_not_eligible", Step(Refusal("500.7.7"), EVER),
            "fault 500.7.7: rejected, final"),
    Scenario(
        514,
        "submit_taken_then_hangs",
        "taken, never a reply; the unit is identified at once: success by the profile",
        (Ending(Verdict(), Group.SIMPLIFIED, after=0),),
        submits=(Step(Hang(), taken=True),),
    ),
    _submit(515, "submit_hangs", Step(Hang()),
            "not taken, never a reply; group anonymous: doubtful, a person"),
    _submit(516, "submit_fault_unknown", Step(Refusal("500.99.1"), EVER),
            "an unknown fault: a person"),
    _submit(517, "submit_503", Step(_UNAVAILABLE), "not taken, one 503 with Retry-After: 1"),
    _submit(518, "submit_429", Step(_TOO_MANY), "not taken, one 429 with Retry-After: 1"),
    _submit(519, "submit_taken_garbage", Step(Nonsense.GARBAGE, taken=True),
            "taken, a 200 that is no document; the unit is identified after the delay"),
    Scenario(520, "submit_without_async_id", "taken, the reply holds no asyncId: doubtful",
             created=Progress("CREATED", numbered=False)),
    Scenario(521, "submit_capital_fault", "fault 500.7.6, spelt otherwise, after other elements of "
             "detail at first: rejected, retryable",
             submits=(Step(Refusal("500.7.6", wordy=True)),), manner=Manner.OTHER_SPELLING),
)  # fmt: skip

_CREDENTIALS: Final = (
    Scenario(600, "credentials_from_now_on", "taken; then everything about the unit gets 300.1.3: "
             "the provider pauses", once_taken=Refusal("300.1.3")),
    _submit(601, "credentials_at_submit", Step(Refusal("300.1")),
            "fault 300.1 on the first submit: the provider pauses; then taken: success"),
    _poll_trouble(602, "credentials_on_poll", Step(Refusal("300.7")),
                  "fault 300.7 on the first poll: the provider pauses"),
)  # fmt: skip

SCENARIOS: Final[dict[int, Scenario]] = {
    each.number: each
    for table in (
        _SUCCESSES,
        _VERDICTS,
        _SETTLEMENTS,
        _POLLS,
        _BREACHES,
        _SUBMITS,
        _CREDENTIALS,
        CELLS,
    )
    for each in table
}


def scenario_of(unit_id: int) -> Scenario:
    """Return what befalls a unit."""
    return SCENARIOS.get(unit_id % 1000, SCENARIOS[0])
