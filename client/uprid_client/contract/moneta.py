"""What a marketplace gives for MONETA."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import Field

from uprid_client.contract.arguments import Arguments, PositiveId, Start
from uprid_client.contract.given import Given
from uprid_client.contract.person import (
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
from uprid_client.contract.tasks import TaskContract
from uprid_client.names import Task

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
    with them, not against one of another time. To use the stored data, send no payload.
    """

    profile: ProfileData
    document: PassportData


class StartIdentification(Start, StartArguments):
    """Start a simplified identification; without `sealed` the unit's stored data are used."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"reference", "sealed"})


class ReceiveCallback(Arguments):
    """Pass on a callback, which only triggers an earlier poll."""

    async_id: PositiveId


TASKS: Final[Mapping[Task, TaskContract]] = {
    Task.MONETA_START: TaskContract(StartIdentification, PersonData),
    Task.MONETA_CALLBACK: TaskContract(ReceiveCallback),
}
