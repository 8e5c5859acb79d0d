"""MONETA's cases. The last three digits of a unit choose what the sandbox does."""

from typing import Final

from worker.local.demo.cases.messages import IdentifyUnit, NextAttempt
from worker.local.demo.cases.shape import (
    ACCEPTED,
    REJECTED,
    TAKEN,
    WAITING,
    BadStart,
    Case,
    ExpectedEvent,
    FollowUp,
    Play,
    succeeds,
)
from worker.local.demo.people import BAD_SNILS, CORRECTED, FIRST, MISSPELT, SECOND

_ONCE: Final = {"submits": 1}

_CASES: Final = (
    Case(
        "stored-data",
        IdentifyUnit(41_000),
        "start without data: MONETA uses its stored data",
        (*TAKEN, succeeds("result")),
        _ONCE,
    ),
    Case(
        "sent-data",
        IdentifyUnit(42_000, FIRST),
        "start with the person's data, sealed end to end",
        (*TAKEN, succeeds("result")),
        _ONCE,
    ),
    Case(
        "mismatch",
        IdentifyUnit(41_103),
        "the data do not match: rejected, can be corrected",
        (*TAKEN, ExpectedEvent(REJECTED, "data_mismatch", retryable=True)),
        _ONCE,
    ),
    Case(
        "foreigner",
        IdentifyUnit(41_107),
        "Russian citizens only: rejected, not retryable",
        (*TAKEN, ExpectedEvent(REJECTED, "not_eligible")),
        _ONCE,
    ),
    Case(
        "known-already",
        IdentifyUnit(41_511),
        "already identified: this error code is a success",
        (ExpectedEvent(ACCEPTED), succeeds("already_identified")),
        _ONCE,
    ),
    Case(
        "silent-anonymous",
        IdentifyUnit(41_200),
        "no answer, the profile stays anonymous: rejected",
        (*TAKEN, ExpectedEvent(REJECTED, "not_identified", retryable=True)),
        _ONCE,
    ),
    Case(
        "silent-simplified",
        IdentifyUnit(41_201),
        "no answer, the profile's group says identified",
        (*TAKEN, succeeds("profile_group")),
        _ONCE,
    ),
    Case(
        "silent-strange",
        IdentifyUnit(41_203),
        "no answer, an unknown group: an engineer decides",
        (*TAKEN, ExpectedEvent(WAITING, "unknown_answer")),
        _ONCE,
    ),
    Case(
        "lost-task",
        IdentifyUnit(41_221),
        "MONETA lost the task, the profile says identified",
        (*TAKEN, succeeds("profile_group")),
        _ONCE,
    ),
    Case(
        "bad-gateway",
        IdentifyUnit(41_300),
        "502 pages in between: polled again, no verdict",
        (*TAKEN, succeeds("result")),
        _ONCE,
    ),
    Case(
        "dropped-submit",
        IdentifyUnit(41_500),
        "the submit's reply is lost: not sent twice, profile asked",
        (ExpectedEvent(ACCEPTED), succeeds("profile_group")),
        _ONCE,
    ),
    Case(
        "corrected",
        IdentifyUnit(41_150, MISSPELT),
        "rejected, then corrected data succeed as attempt 2",
        (
            *TAKEN,
            ExpectedEvent(REJECTED, "data_mismatch", retryable=True),
            *TAKEN,
            succeeds("result"),
        ),
        {"submits": 2},
    ),
)

MONETA: Final = Play(
    _CASES,
    (
        BadStart(
            "bad-snils",
            IdentifyUnit(41_999, BAD_SNILS),
            "a SNILS with a wrong checksum: refused, the field named and not the value",
            ("profile.snils",),
        ),
    ),
    (
        FollowUp(
            "sent-data",
            ACCEPTED,
            IdentifyUnit(42_000, FIRST),
            "the same message again: harmless, the same operation",
        ),
        FollowUp(
            "sent-data",
            ACCEPTED,
            IdentifyUnit(42_000, SECOND),
            "the same reference with another person's data: refused",
            refused=("reference",),
        ),
        FollowUp(
            "corrected", REJECTED, NextAttempt(CORRECTED), "the next attempt, with corrected data"
        ),
    ),
)
