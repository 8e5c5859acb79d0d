"""What a marketplace gives for Mandarin."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from uprid_client.contract.arguments import Input, Sealed, Start
from uprid_client.contract.given import Given
from uprid_client.contract.person import (
    NULL_WHERE_NONE,
    Inn,
    MobilePhone,
    Name,
    PassportNumber,
    PassportSeries,
    PatronymicOrNull,
    Snils,
)
from uprid_client.contract.tasks import TaskContract
from uprid_client.names import Task


class StartArguments(Given):
    """What a start message says in clear, but for the reference: nothing."""


class PersonData(Given):
    """The sealed payload. Exactly one of SNILS and INN is given: `one_identifier` sees to it."""

    hints: ClassVar[Mapping[str, str]] = {"patronymic": NULL_WHERE_NONE}

    first_name: Name
    patronymic: PatronymicOrNull
    last_name: Name
    passport_series: PassportSeries
    passport_number: PassportNumber
    snils: Snils | None = None
    inn: Inn | None = None
    phone: MobilePhone


def _digits(value: str) -> str:
    # Not `isdigit`, which takes the digits of every other script.
    if not re.fullmatch(r"[0-9]{1,20}", value):
        message = "must be 1 to 20 digits, 0 to 9"
        raise ValueError(message)
    return value


class CodeData(Given):
    """The sealed payload of an SMS code. How many digits it has is the merchant's setting."""

    sms_code: Annotated[str, Field(strict=True), AfterValidator(_digits)]


class StartIdentification(Start, StartArguments):
    """Start an identification: billed, and the person gets an SMS."""

    verbatim: ClassVar[frozenset[str]] = frozenset({"reference", "sealed"})

    sealed: Sealed


class SubmitSmsCode(Input):
    """Pass on the code that the person got; the same one twice in a session counts once."""


TASKS: Final[Mapping[Task, TaskContract]] = {
    Task.MANDARIN_START: TaskContract(StartIdentification, PersonData),
    Task.MANDARIN_CODE: TaskContract(SubmitSmsCode, CodeData),
}
