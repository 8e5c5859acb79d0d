"""The edge of Mandarin: what is taken from a marketplace and what Mandarin answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from worker.providers.given import Given
from worker.providers.person import (
    NULL_WHERE_NONE,
    Inn,
    MobilePhone,
    Name,
    PassportNumber,
    PassportSeries,
    PatronymicOrNull,
    Snils,
)

#: What may be put into a path: the page's ids are UUIDs, and nothing promises that they stay so.
SESSION_ID: Final = r"^[0-9A-Za-z-]{1,64}$"


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


class _Read(BaseModel):
    """Members that are not known are ignored; a known one of the wrong type spoils the reply."""

    model_config = ConfigDict(
        extra="ignore", strict=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class _Answer(_Read):
    id: Annotated[str, Field(pattern=SESSION_ID)]
    #: A reply that says both is neither.
    error: None = None


class SessionReply(_Answer):
    """The answer to a start and to a code."""


class StatusReply(_Answer):
    """The answer to a question. `personVerificationError` is not read: only booleans decide."""

    person_verification_finished: bool
    person_verified: bool | None = None
    phone_verification_finished: bool
    phone_verified: bool | None = None


class ErrorReply(_Read):
    """The answer to a request that Mandarin did not take."""

    error: str
    #: A reply that says both is neither.
    id: None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Mandarin took a start or a code."""

    id: str
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """One of the two checks of a session: of the person's data, or of the phone."""

    finished: bool
    #: Final only once the check has finished. None: nothing was said.
    verified: bool | None

    @property
    def known(self) -> bool | None:
        """What the check has found; None where it goes on."""
        return self.verified if self.finished else None

    def __str__(self) -> str:
        if not self.finished:
            return "open"
        return {True: "verified", False: "not verified", None: "finished without a verdict"}[
            self.verified
        ]


@dataclass(frozen=True, slots=True)
class Status:
    """How a session stands."""

    id: str
    person: Check
    phone: Check
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class InvalidRequest:
    """Mandarin refused the request: 400, and an error in JSON."""

    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlike:
    """A reply in JSON that breaks the contract. Never a verdict; `what` quotes nothing."""

    what: str
    answer: bytes = field(repr=False)
