"""The types that Mandarin's scenarios are made of: pure data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from uprid_sandbox.answers import Drop, Hang, Page
from uprid_sandbox.flaws import Flaw
from uprid_sandbox.steps import Step

#: What a request gets in place of the usual; a flaw spoils the usual.
Act = Page | Drop | Hang | Flaw
#: The members of a status.
Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """How the person's check ends."""

    #: None: it ends without a verdict, which breaks the contract.
    verified: bool | None = True
    #: The text of SMEV.
    error: str = ""
    #: When, in delays after the POST; None: never.
    after: float | None = 1.0


PASSED: Final = Check()


def as_it_is(status: Status) -> Status:
    """Show a status as the page has it."""
    return status


@dataclass(frozen=True, slots=True)
class Scenario:
    """One magic number."""

    number: int
    name: str
    #: What the provider does, and where it leads.
    what: str
    #: How the check ends in the phone's first, second … session; the last one repeats.
    checks: tuple[Check, ...] = (PASSED,)
    #: By the phone's POSTs, the session's PUTs and the session's GETs.
    submits: tuple[Step[Act], ...] = ()
    codes: tuple[Step[Act], ...] = ()
    polls: tuple[Step[Act], ...] = ()
    #: When a code is judged, in code delays after its PUT; None: never.
    judged_after: float | None = 1.0
    #: No code is right.
    deaf: bool = False
    #: How every status is shown.
    look: Callable[[Status], Status] = as_it_is
    #: What everything about the session gets once there is one.
    once_taken: Act | None = None
