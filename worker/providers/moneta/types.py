"""The edge of MONETA.MerchantAPI: what MONETA answers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """MONETA refused the request."""

    #: `faultDetail`; `MALFORMED` where it is no code.
    code: str
    answer: bytes = field(repr=False)


#: In the place of a code that is none: free text must not reach a journal.
MALFORMED: Final = "(malformed)"


@dataclass(frozen=True, slots=True)
class Ticket:
    """An asynchronous task and how it stands."""

    async_id: int
    status: str | None
    expires_at: datetime | None
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One fact of a profile or document. Keys are compared in lower case."""

    key: str
    value: str | None = field(repr=False)
    #: None: the reply does not say.
    approved: bool | None


@dataclass(frozen=True, slots=True)
class Result:
    """The result element: the task has ended."""

    success: bool
    error_code: str | None
    #: None where the reply does not name it: it should not.
    async_id: int | None
    profile: tuple[Attribute, ...]
    document: tuple[Attribute, ...]
    document_id: int | None
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """What MONETA holds of a unit."""

    attributes: tuple[Attribute, ...]
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlike:
    """A well-formed reply that breaks the contract. Never a verdict; `what` quotes nothing."""

    what: str
    answer: bytes = field(repr=False)


Content = Fault | Ticket | Result | Profile | Unlike
#: What is answered about a task.
Task = Fault | Ticket | Result | Unlike
#: What is answered about a unit.
Holding = Fault | Profile | Unlike
