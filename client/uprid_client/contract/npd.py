"""What a marketplace gives for NPD, and NPD's notifications that it hands on."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel

from uprid_client.contract.arguments import Arguments, Sealed, Start
from uprid_client.contract.given import Given
from uprid_client.contract.person import (
    NULL_WHERE_NONE,
    BirthDate,
    Department,
    IssueDate,
    Issuer,
    MobilePhone,
    Name,
    PassportNumber,
    PassportSeries,
    PatronymicOrNull,
    Snils,
)
from uprid_client.contract.tasks import TaskContract
from uprid_client.names import Task

_TOO_LARGE: Final = 10**20
_DIGITS: Final = re.compile(r"[0-9]{1,20}")


def _number(value: object) -> object:
    """Take the digits of a number for the number: of "BigInt 20" no page says how it is written."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


#: "BigInt 20": 64 bits without a sign, and an id is positive.
BigId = Annotated[int, Field(strict=True, gt=0, le=2**64 - 1), BeforeValidator(_number)]
#: A unit as MONETA knows it: `xsd:long`.
UnitId = Annotated[int, Field(strict=True, gt=0, le=2**63 - 1)]


class StartArguments(Given):
    """What a start message says in clear, but for the reference."""

    #: What NPD must find by the phone; left out, any unit that it finds is taken.
    unit_id: UnitId | None = None


class PassportData(Given):
    """The passport."""

    series: PassportSeries
    number: PassportNumber
    issuer: Issuer | None = None
    issued: IssueDate | None = None
    department: Department | None = None


class PersonData(Given):
    """The sealed payload: all that page 002 does not call optional is required."""

    hints: ClassVar[Mapping[str, str]] = {"middle_name": NULL_WHERE_NONE}

    phone: MobilePhone
    first_name: Name
    last_name: Name
    middle_name: PatronymicOrNull
    birth_date: BirthDate
    snils: Snils | None = None
    passport: PassportData


class Status(StrEnum):
    """`upridAsyncStatus`: there are no others."""

    SUCCESS = "SUCCESS"
    #: Failed, or not done in time: NPD does not tell the two apart.
    EXPIRED = "EXPIRED"


def _text(value: object) -> object:
    """Take a number for its digits: the page does not say which of the two it sends."""
    return str(value) if type(value) is int and 0 <= value < _TOO_LARGE else value


def _printable(value: str) -> str:
    if not value.isprintable():
        message = "must be text on one line"
        raise ValueError(message)
    return value


def _named_on_success(value: str | None, info: ValidationInfo) -> str | None:
    if info.data.get("uprid_async_status") is Status.SUCCESS and not value:
        message = "is missing beside SUCCESS"
        raise ValueError(message)
    return value or None


_Account = Annotated[
    str, BeforeValidator(_text), Field(strict=True, max_length=64), AfterValidator(_printable)
]


class Notification(BaseModel):
    """A URL notification, sealed as it came: all that page 002 names.

    What else comes is ignored, as the message is the provider's.
    """

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, hide_input_in_errors=True)

    notification_id: BigId
    notification_name: Literal["uprid"]
    uprid_async_id: BigId
    uprid_async_status: Status
    user_phone: Annotated[MobilePhone, BeforeValidator(_text)]
    mnt_account_id: Annotated[_Account | None, AfterValidator(_named_on_success)]

    @model_validator(mode="before")
    @classmethod
    def _has_an_account(cls, members: object) -> object:
        """Have an account that is missing looked at too: a default would go by another name."""
        return {"mntAccountId": None, **members} if isinstance(members, Mapping) else members


class StartIdentification(Start, StartArguments):
    """Start an identification."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"reference", "sealed"})

    sealed: Sealed


class ReceiveNotification(Arguments):
    """Pass on a URL notification, all its parameters as they came."""

    sealed: Sealed


TASKS: Final[Mapping[Task, TaskContract]] = {
    Task.NPD_START: TaskContract(StartIdentification, PersonData),
    Task.NPD_NOTIFICATION: TaskContract(ReceiveNotification, Notification),
}
