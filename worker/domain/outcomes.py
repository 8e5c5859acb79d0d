"""Outcomes of a submit, poll or settlement. Values, never exceptions.

Every outcome carries a `note`: a few words for the journal that hold no personal data (a status,
a fault code, the kind of a transport error), and `calls`: how many requests it took.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import TERMINAL, State
from worker.domain.invoices import Invoice

JsonMap = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why. `message` is ours, in English, and never quotes the provider's free text."""

    code: ReasonCode
    message: str
    provider_code: str | None = None
    #: A next attempt can succeed (for a rejection: with corrected data).
    retryable: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the reason as events and tables carry it."""
        return {
            "code": self.code.value,
            "provider_code": self.provider_code,
            "retryable": self.retryable,
            "message": self.message,
        }

    def as_text(self) -> str:
        """Return the reason as JSON text, as tables carry it."""
        return json.dumps(self.as_json())


class Trouble(StrEnum):
    """What kept an answer from us. Trouble is never a verdict."""

    #: No usable reply: refused, reset, timed out, cut off, a proxy's page.
    TRANSPORT = "transport"
    #: The provider said that it is down or that we are too fast.
    UNAVAILABLE = "unavailable"
    #: The provider works; a system behind it does not.
    DEPENDENCY = "dependency"
    #: A well-formed answer that we do not know.
    UNKNOWN = "unknown"

    @property
    def feeds_breaker(self) -> bool:
        """Whether it counts as a failure of the provider."""
        return self in {Trouble.TRANSPORT, Trouble.UNAVAILABLE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the provider wants of the person, such as the code that it sent by SMS."""

    #: The name of the input that is missing: `sms_code`.
    missing: str
    attempts_left: int


#: For `as_after`: the schedule is past all its steps, so that every wait is its last.
PAST_ALL_STEPS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A harmless step before the submit is done, and is recorded: the next step follows at once."""

    note: str
    #: Replaces the operation's progress.
    progress: JsonMap
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Started:
    """The provider took the submit."""

    provider_ref: str
    note: str
    #: When the provider gives up, in its own words; None where it did not say.
    deadline_at: datetime | None = None
    #: Seconds until the first question where the plugin, not the schedule, decides. Never past the
    #: deadline.
    again_in: float | None = None
    #: The schedule waits as after this many polls.
    as_after: int = 0
    #: Published beside `started`.
    wants: Wanted | None = None
    #: The provider speaks of this attempt by notifications: any that came already are looked for.
    accepts_notifications: bool = False
    #: Replaces the operation's progress; None keeps it.
    progress: JsonMap | None = None
    #: Stored with the state, in one transaction.
    records: Sequence[Invoice] = field(default=(), repr=False)
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Pending:
    """No end yet: ask again. With `trouble`, the question itself did not get through."""

    note: str
    trouble: Trouble | None = None
    #: Seconds that the provider asked us to wait (`Retry-After`).
    retry_after: float | None = None
    #: Seconds until the next question where the plugin, not the schedule, decides.
    again_in: float | None = None
    #: The schedule waits as after this many polls; None: as after all of the attempt's.
    as_after: int | None = None
    #: What is wanted (again): published as `input_required`.
    wants: Wanted | None = None
    #: Replaces the operation's progress; None keeps it.
    progress: JsonMap | None = None
    #: Stored with the progress, in one transaction.
    records: Sequence[Invoice] = field(default=(), repr=False)
    calls: int = 1


@dataclass(frozen=True, slots=True)
class NotSent:
    """The submit, or the input, certainly had no effect: it may be sent again."""

    note: str
    trouble: Trouble
    retry_after: float | None = None
    calls: int = 1
    #: Replaces the operation's progress after a submit; None keeps it.
    progress: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The submit may or may not have had its effect: a harmless question clears it up."""

    note: str
    trouble: Trouble = Trouble.TRANSPORT
    retry_after: float | None = None
    #: Replaces the operation's progress; None keeps it.
    progress: JsonMap | None = None
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Settle:
    """The wait ended without an answer: ask how the attempt ended."""

    note: str
    progress: JsonMap | None = None
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Finished:
    """The attempt has ended."""

    state: State
    note: str
    reason: Reason | None = None
    #: Facts that are not personal: the event's `result`.
    result: JsonMap = field(default_factory=dict)
    #: The provider's whole answer, in clear: the engine seals it before anything else sees it.
    answer: bytes | None = field(default=None, repr=False)
    #: Stored with the state, in one transaction.
    records: Sequence[Invoice] = field(default=(), repr=False)
    #: `result` is to be completed by counts and sums of all that this attempt stored.
    with_totals: bool = False
    calls: int = 1

    def __post_init__(self) -> None:
        if self.state not in TERMINAL:
            message = f"{self.state} is no end"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """Only a person can decide."""

    reason: Reason
    note: str
    answer: bytes | None = field(default=None, repr=False)
    #: What kept the answer from us, where that is why a person decides: it feeds the breaker.
    trouble: Trouble | None = None
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Our own settings are wrong: the provider pauses, operations keep their state."""

    reason: Reason
    note: str
    calls: int = 1
    #: Replaces the operation's progress after a submit, which was not made; None keeps it.
    progress: JsonMap | None = None


Outcome = (
    Prepared
    | Started
    | Pending
    | NotSent
    | Doubtful
    | Settle
    | Finished
    | NeedsPerson
    | Misconfigured
)
