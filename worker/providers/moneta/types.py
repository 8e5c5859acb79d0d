"""The edge of MONETA.MerchantAPI: what is taken from a marketplace and what MONETA answers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from worker.providers.given import Given
from worker.providers.person import (
    BirthDate,
    Department,
    Inn,
    IssueDate,
    Issuer,
    MobilePhone,
    Name,
    PassportNumber,
    PassportSeries,
    Patronymic,
    Snils,
)

#: `xsd:long`, and an id is positive.
Id = Annotated[int, Field(strict=True, gt=0, le=2**63 - 1)]


class StartArguments(Given):
    """What a start message says in clear, but for the reference."""

    unit_id: Id


class ProfileData(Given):
    """The person; field names are MONETA's attribute keys, in MONETA's order.

    One of SNILS, INN and date of birth is given: `can_be_looked_up` sees to it.
    """

    first_name: Name
    last_name: Name
    middle_initial_name: Patronymic = None
    cell_phone: MobilePhone
    date_of_birth: BirthDate | None = None
    snils: Snils | None = None
    inn: Inn | None = None


class PassportData(Given):
    """The passport."""

    series: PassportSeries
    number: PassportNumber
    issuer: Issuer | None = None
    issued: IssueDate | None = None
    department: Department | None = None
    #: MONETA's id of a document that it already holds.
    id: Id | None = None


class PersonData(Given):
    """The sealed payload.

    The schema lets `document` be left out, and MONETA then takes the passport that the unit
    holds. Here it is required: a person whose data are sent is checked against the passport sent
    with them, not against one that nobody looked at. Who wants the stored data sends no payload.
    """

    profile: ProfileData
    document: PassportData


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
