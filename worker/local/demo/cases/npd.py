"""NPD's cases. The last three digits of a phone choose what the sandbox does.

NPD sends a notification of a task's end; the marketplace's web application passes it on.
"""

from typing import Final

from worker.local.demo.cases.messages import IdentifySelfEmployed
from worker.local.demo.cases.shape import (
    ACCEPTED,
    REJECTED,
    TAKEN,
    WAITING,
    BadStart,
    Case,
    ExpectedEvent,
    Play,
    succeeds,
)
from worker.local.demo.people import (
    CUT_OFF,
    DISPUTED,
    MOVED,
    NAMELESS,
    PROMPT,
    TURNED_DOWN,
    UNBOUND,
)

_EACH_STEP_ONCE: Final = {"updatemonetaprofile": 1, "updateuserdoc": 1, "startuprid": 1}

_CASES: Final = (
    Case(
        "notified-success",
        IdentifySelfEmployed(PROMPT),
        "notified of SUCCESS, the profile agrees: identified",
        (*TAKEN, succeeds("notification", group="simplified")),
        _EACH_STEP_ONCE,
    ),
    Case(
        "notified-expired",
        IdentifySelfEmployed(TURNED_DOWN),
        "notified of EXPIRED, the profile is anonymous: rejected",
        (*TAKEN, ExpectedEvent(REJECTED, "not_identified", retryable=True)),
        _EACH_STEP_ONCE,
    ),
    Case(
        "expired-yet-moved",
        IdentifySelfEmployed(MOVED),
        "notified of EXPIRED, the profile says identified",
        (*TAKEN, succeeds("profile_group", group="simplified")),
        _EACH_STEP_ONCE,
    ),
    Case(
        "not-bound",
        IdentifySelfEmployed(UNBOUND),
        "`no user inn`: rejected, the marketplace must act",
        (ExpectedEvent(ACCEPTED), ExpectedEvent(REJECTED, "not_eligible", retryable=True)),
        {"updatemonetaprofile": 1, "updateuserdoc": 0, "startuprid": 0},
    ),
    Case(
        "dropped-task",
        IdentifySelfEmployed(CUT_OFF),
        "startuprid's reply is lost, the notification settles it",
        (
            ExpectedEvent(ACCEPTED),
            ExpectedEvent(WAITING, "doubtful_submit"),
            succeeds("notification", group="simplified"),
        ),
        _EACH_STEP_ONCE,
    ),
    Case(
        "notified-disputed",
        IdentifySelfEmployed(DISPUTED),
        "SUCCESS, but the profile is anonymous: engineer decides",
        (*TAKEN, ExpectedEvent(WAITING, "unknown_answer")),
        _EACH_STEP_ONCE,
    ),
)

NPD: Final = Play(
    _CASES,
    (
        BadStart(
            "no-middle-name",
            IdentifySelfEmployed(NAMELESS),
            "a required name is missing: refused",
            ("middle_name",),
        ),
    ),
    # Or it might come before the engineer is asked to look.
    held={"dropped-task": WAITING},
)
