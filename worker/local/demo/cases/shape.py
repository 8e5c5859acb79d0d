"""The types that cases are made of: pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from uprid_client.contract.events import EventType
from worker.local.demo.cases.messages import Message, Start

ACCEPTED: Final = EventType.ACCEPTED
STARTED: Final = EventType.STARTED
SUCCEEDED: Final = EventType.SUCCEEDED
REJECTED: Final = EventType.REJECTED
EXPIRED: Final = EventType.EXPIRED
FAILED: Final = EventType.FAILED
WAITING: Final = EventType.WAITING_FOR_PERSON
INPUT_REQUIRED: Final = EventType.INPUT_REQUIRED


@dataclass(frozen=True, slots=True)
class ExpectedEvent:
    """An event that must come."""

    type: EventType
    #: The reason's code, and whether a next attempt can succeed.
    reason: str | None = None
    retryable: bool = False
    #: Facts that its result must hold; without `verified_by` there must be none.
    result: Mapping[str, Any] = field(default_factory=dict)
    #: Of the input that is asked for.
    attempts_left: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One operation."""

    reference: str
    start: Start
    #: For people: what happens.
    what: str
    expected: tuple[ExpectedEvent, ...]
    #: What of its calls the stand-in must have counted, by the stand-in's own names: those that
    #: cost or have effect, each exactly so often.
    calls: Mapping[str, int]

    @property
    def attempts(self) -> int:
        """How many attempts it takes."""
        return sum(event.type is ACCEPTED for event in self.expected)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A message that is sent once an operation's event has come."""

    reference: str
    after: EventType
    message: Message
    what: str
    #: Which event of this type, counted from 1.
    nth: int = 1
    #: The fields that must be named where the message must be refused; None: it is taken.
    refused: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class BadStart:
    """A start message that must be refused."""

    reference: str
    start: Start
    what: str
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Play:
    """All of one provider."""

    cases: tuple[Case, ...]
    bad_starts: tuple[BadStart, ...]
    follow_ups: tuple[FollowUp, ...] = ()
    #: Until which event of its operation a person's notification is held back by the marketplace.
    held: Mapping[str, EventType] = field(default_factory=dict)

    @property
    def references(self) -> tuple[str, ...]:
        """What its messages speak of."""
        return (*(c.reference for c in self.cases), *(b.reference for b in self.bad_starts))

    @property
    def refused(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What every refusal must name: (reference, fields)."""
        return (
            *((each.reference, each.refused) for each in self.bad_starts),
            *((each.reference, each.refused) for each in self.follow_ups if each.refused),
        )


TAKEN: Final = (ExpectedEvent(ACCEPTED), ExpectedEvent(STARTED))


def succeeds(verified_by: str, **facts: object) -> ExpectedEvent:
    """Return the end of an identification that succeeds."""
    return ExpectedEvent(SUCCEEDED, result={"verified_by": verified_by, **facts})


def asks(attempts_left: int) -> ExpectedEvent:
    """Return that the person's input is asked for."""
    return ExpectedEvent(INPUT_REQUIRED, attempts_left=attempts_left)
