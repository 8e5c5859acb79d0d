"""What the demo asks for, and what must come of it: pure data.

The last three digits of a unit choose what the sandbox does (`uprid sandbox --scenarios`).
"""

from dataclasses import dataclass, field
from typing import Final

from config.queues import Task
from worker.events.model import EventType
from worker.oncall.demonstration.people import (
    BAD_SNILS,
    CORRECTED,
    FIRST,
    MISSPELT,
    SECOND,
    Payload,
)

ACCEPTED: Final = EventType.ACCEPTED
REJECTED: Final = EventType.REJECTED


@dataclass(frozen=True, slots=True)
class Told:
    """An event that must come."""

    type: EventType
    #: The reason's code, and whether a next attempt can succeed.
    reason: str | None = None
    retryable: bool = False
    verified_by: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One operation."""

    reference: str
    unit_id: int
    #: For people: what happens, and what is made of it.
    what: str
    expected: tuple[Told, ...]
    payload: Payload | None = field(default=None, repr=False)

    @property
    def attempts(self) -> int:
        """How many attempts it takes, which is how many submits the provider must see."""
        return sum(told.type is ACCEPTED for told in self.expected)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A message that is sent once an operation's event has come."""

    reference: str
    after: EventType
    task: Task
    what: str
    payload: Payload | None = field(default=None, repr=False)
    #: The fields that must be named where the message must be refused; None: it is taken.
    refused: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class BadStart:
    """A start message that must be refused."""

    reference: str
    unit_id: int
    what: str
    refused: tuple[str, ...]
    payload: Payload | None = field(default=None, repr=False)


_TAKEN: Final = (Told(ACCEPTED), Told(EventType.STARTED))


def _ends(kind: EventType, reason: str | None = None, *, retryable: bool = False) -> Told:
    return Told(kind, reason, retryable)


def _succeeds(verified_by: str) -> Told:
    return Told(EventType.SUCCEEDED, verified_by=verified_by)


CASES: Final = (
    Case(
        "stored-data",
        41_000,
        "identified by what MONETA has stored of the unit",
        (*_TAKEN, _succeeds("result")),
    ),
    Case(
        "sent-data",
        42_000,
        "identified by the person's data, sealed all the way",
        (*_TAKEN, _succeeds("result")),
        FIRST,
    ),
    Case(
        "mismatch",
        41_103,
        "the data do not match: rejected, and may be corrected",
        (*_TAKEN, _ends(REJECTED, "data_mismatch", retryable=True)),
    ),
    Case(
        "foreigner",
        41_107,
        "Russian citizens only: rejected for good",
        (*_TAKEN, _ends(REJECTED, "not_eligible")),
    ),
    Case(
        "known-already",
        41_511,
        "identified before: a fault that is a success",
        (Told(ACCEPTED), _succeeds("already_identified")),
    ),
    Case(
        "silent-anonymous",
        41_200,
        "no answer; the profile stays anonymous: not identified",
        (*_TAKEN, _ends(REJECTED, "not_identified", retryable=True)),
    ),
    Case(
        "silent-simplified",
        41_201,
        "no answer; the profile's group says: identified",
        (*_TAKEN, _succeeds("profile_group")),
    ),
    Case(
        "silent-strange",
        41_203,
        "no answer; a group that nobody named: a person decides",
        (*_TAKEN, _ends(EventType.WAITING_FOR_PERSON, "unknown_answer")),
    ),
    Case(
        "lost-task",
        41_221,
        "MONETA forgets the task (500.9.1); the profile's group says: identified",
        (*_TAKEN, _succeeds("profile_group")),
    ),
    Case(
        "bad-gateway",
        41_300,
        "502 pages in between: asked again, never a verdict",
        (*_TAKEN, _succeeds("result")),
    ),
    Case(
        "dropped-submit",
        41_500,
        "no reply to a submit that costs: not repeated, the profile is asked",
        (Told(ACCEPTED), _succeeds("profile_group")),
    ),
    Case(
        "corrected",
        41_150,
        "rejected; the corrected data succeed as attempt 2",
        (
            *_TAKEN,
            _ends(REJECTED, "data_mismatch", retryable=True),
            *_TAKEN,
            _succeeds("result"),
        ),
        MISSPELT,
    ),
)

FOLLOW_UPS: Final = (
    FollowUp(
        "sent-data",
        ACCEPTED,
        Task.MONETA_START,
        "the same message again: harmless, the same operation",
        FIRST,
    ),
    FollowUp(
        "sent-data",
        ACCEPTED,
        Task.MONETA_START,
        "the same reference with another person's data: refused",
        SECOND,
        refused=("reference",),
    ),
    FollowUp("corrected", REJECTED, Task.RETRY, "the next attempt, with corrected data", CORRECTED),
)

BAD_STARTS: Final = (
    BadStart(
        "bad-snils",
        41_999,
        "a SNILS with a wrong checksum: refused, the field named and not the value",
        ("profile.snils",),
        BAD_SNILS,
    ),
)

#: What every refusal must name: (reference, fields).
REFUSED: Final = (
    *((each.reference, each.refused) for each in BAD_STARTS),
    *((each.reference, each.refused) for each in FOLLOW_UPS if each.refused is not None),
)
