"""Mandarin's cases. The last three digits of a phone choose what the sandbox does."""

from typing import Final

from worker.local.demo.cases.messages import HandCode, IdentifyByCode
from worker.local.demo.cases.shape import (
    ACCEPTED,
    EXPIRED,
    INPUT_REQUIRED,
    REJECTED,
    TAKEN,
    WAITING,
    BadStart,
    Case,
    ExpectedEvent,
    FollowUp,
    Play,
    asks,
    succeeds,
)
from worker.local.demo.people import (
    FORGETFUL,
    GUESSING,
    RIGHT_CODE,
    SILENT,
    UNANSWERED,
    UNKNOWN_TO_THE_STATE,
    WITH_BOTH,
    WRONG_CODES,
)

_CASES: Final = (
    Case(
        "wrong-code-first",
        IdentifyByCode(FORGETFUL),
        "one wrong SMS code, then the right one: identified",
        (*TAKEN, asks(5), asks(4), succeeds("result")),
        {"submits": 1, "codes": 2},
    ),
    Case(
        "wrong-person",
        IdentifyByCode(UNKNOWN_TO_THE_STATE),
        "the data do not match: rejected, can be corrected",
        (*TAKEN, asks(5), ExpectedEvent(REJECTED, "data_mismatch", retryable=True)),
        {"submits": 1, "codes": 0},
    ),
    Case(
        "five-wrong-codes",
        IdentifyByCode(GUESSING),
        "five wrong SMS codes: rejected, a sixth is never sent",
        (
            *TAKEN,
            *(asks(left) for left in (5, 4, 3, 2, 1)),
            ExpectedEvent(REJECTED, "codes_exhausted", retryable=True),
        ),
        {"submits": 1, "codes": 5},
    ),
    Case(
        "no-code",
        IdentifyByCode(SILENT),
        "the person passes, no SMS code comes: expired",
        (*TAKEN, asks(5), ExpectedEvent(EXPIRED, "phone_not_verified", retryable=True)),
        {"submits": 1, "codes": 0},
    ),
    Case(
        "dropped-start",
        IdentifyByCode(UNANSWERED),
        "a billed start's reply is lost: an engineer decides",
        (ExpectedEvent(ACCEPTED), ExpectedEvent(WAITING, "doubtful_submit")),
        {"submits": 1, "codes": 0},
    ),
)

MANDARIN: Final = Play(
    _CASES,
    (
        BadStart(
            "two-identifiers",
            IdentifyByCode(WITH_BOTH),
            "both SNILS and INN, of which whichever is checked first would win: refused",
            ("snils", "inn"),
        ),
    ),
    (
        FollowUp("wrong-code-first", INPUT_REQUIRED, HandCode(WRONG_CODES[0]), "a wrong code"),
        FollowUp("wrong-code-first", INPUT_REQUIRED, HandCode(RIGHT_CODE), "the right code", nth=2),
        *(
            FollowUp("five-wrong-codes", INPUT_REQUIRED, HandCode(code), "a wrong code", nth)
            for nth, code in enumerate(WRONG_CODES, start=1)
        ),
    ),
)
