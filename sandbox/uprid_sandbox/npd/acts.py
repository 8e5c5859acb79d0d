"""The words that the API's scenarios are written in: pure data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from uprid_sandbox.answers import Drop, Hang, Page
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.moneta.acts import SUCCESS, Ending
from uprid_sandbox.steps import Step

Members = dict[str, Any]


class Method(StrEnum):
    """The three methods, by their paths."""

    PROFILE = "updatemonetaprofile"
    DOCUMENT = "updateuserdoc"
    START = "startuprid"


class Error(StrEnum):
    """Everything that the page lets the API say in `error`, as it spells it."""

    NO_PARTNER = "no parthner"
    WRONG_SIGNATURE = "wrong signature"
    NO_USER = "no user found"
    NO_UNIT = "no user unitId"
    NO_INN = "no user inn"
    NOT_UPDATED = "not updated"
    NO_TASK = "no async task"


@dataclass(frozen=True, slots=True)
class Tardy:
    """The usual answer, so many seconds late."""

    seconds: float


#: What a request gets in place of the usual; a flaw spoils the usual.
Act = Page | Drop | Hang | Flaw | Tardy


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification of a task's end."""

    status: str = "SUCCESS"
    #: When, in task delays after the task's beginning.
    after: float = 1.0
    #: Counted from the expiration date instead.
    overdue: bool = False
    #: About another person's phone.
    foreign_phone: bool = False
    #: About a task that was never started.
    foreign_task: bool = False
    #: With the `notificationId` of the one before it: the same one once more.
    again: bool = False
    #: Changed at the very end.
    members: Mapping[str, object] = field(default_factory=dict)


ONE_SUCCESS: Final = (Notification(),)


@dataclass(frozen=True, slots=True)
class Course:
    """How a task ends, and which notifications are sent of it."""

    ending: Ending = SUCCESS
    notifications: tuple[Notification, ...] = ONE_SUCCESS


def as_it_is(members: Members) -> Members:
    """Say it as the page does."""
    return members


@dataclass(frozen=True, slots=True)
class Scenario:
    """One magic number."""

    number: int
    name: str
    #: What the provider does, and where it leads.
    what: str
    #: The phone's first, second … task; the last one repeats.
    courses: tuple[Course, ...] = (Course(),)
    #: By method: the phone's requests of that method.
    steps: Mapping[Method, tuple[Step[Act], ...]] = field(default_factory=dict)
    #: How the answers that are no errors and the notifications are written.
    look: Callable[[Members], Members] = as_it_is
