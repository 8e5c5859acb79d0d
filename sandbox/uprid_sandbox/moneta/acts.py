"""The words that scenarios are written in: pure data."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from uprid_sandbox.answers import Drop, Hang, Page
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.moneta.messages import PLAIN, Manner
from uprid_sandbox.steps import Step


class Group(Enum):
    """Where a unit stands: the `parentid` of its profile."""

    ANONYMOUS = auto()
    SIMPLIFIED = auto()
    FULL = auto()
    #: A group that the merchant did not name.
    UNKNOWN = auto()
    #: The profile holds no `parentid` at all.
    NONE = auto()


IDENTIFIED: Final = frozenset({Group.SIMPLIFIED, Group.FULL})


class Whose(Enum):
    """Which `unitid` a profile holds."""

    OWN = auto()
    ABSENT = auto()
    FOREIGN = auto()


class Oddity(Enum):
    """How a result departs from the documented shape."""

    NO_SUCCESS = auto()
    #: The status stands beside the result, which the schema excludes.
    STATUS_TOO = auto()
    #: `error` and `errorCode` are there and empty, which the schema's text says of a success.
    EMPTY_ERROR = auto()
    #: They are null, which the schema does not allow.
    NULL_ERROR = auto()


class Nonsense(Enum):
    """A whole HTTP reply in the request's language that says nothing."""

    #: Bytes that are no document.
    GARBAGE = auto()
    EMPTY = auto()
    #: A good document, and not MONETA's.
    NO_ENVELOPE = auto()
    #: Made to hurt its reader: entities in SOAP, depth in JSON.
    HOSTILE = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result element."""

    #: Anything but a boolean breaks the contract, unless it is written as one.
    success: object = True
    code: str | None = None
    whose: Whose = Whose.OWN
    oddity: Oddity | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A fault."""

    #: None: without `faultDetail`.
    code: str | None
    #: Other elements come before `faultDetail`.
    wordy: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """A task that has not ended."""

    status: str = "INPROGRESS"
    #: With an `expirationDate`.
    dated: bool = True
    #: Without it, a submit's reply says nothing.
    numbered: bool = True
    #: Added to the `asyncId`: the reply to some other question.
    shifted: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile check's answer other than the unit's true standing."""

    group: Group
    whose: Whose = Whose.OWN


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Some answer, spoilt on its way."""

    flaw: Flaw
    act: "Verdict | Progress"


Act = Page | Drop | Hang | Nonsense | Verdict | Refusal | Progress | Profile | Spoilt


@dataclass(frozen=True, slots=True)
class Ending:
    """How a task ends."""

    #: What polls get from then on; None: the task stays in progress until it expires.
    act: Act | None = Verdict()
    #: Where the unit is moved; None: it stays.
    group: Group | None = None
    #: When, in task delays after the submit.
    after: float = 1.0
    #: Past the expiration date a task in progress is no longer found.
    expires: bool = True


SUCCESS: Final = Ending(Verdict(), Group.SIMPLIFIED)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One magic number."""

    number: int
    name: str
    #: What the provider does, and where it leads.
    what: str
    #: How the unit's first, second … task ends; the last one repeats.
    endings: tuple[Ending, ...] = (SUCCESS,)
    submits: tuple[Step[Act], ...] = ()
    #: For each task anew.
    polls: tuple[Step[Act], ...] = ()
    profiles: tuple[Step[Act], ...] = ()
    #: What a task in progress looks like.
    pending: Progress = Progress()
    #: What the reply to a submit looks like.
    created: Progress = Progress("CREATED")
    #: What everything about the unit gets once a submit was taken.
    once_taken: Act | None = None
    #: How everything about the unit is written.
    manner: Manner = PLAIN
