"""The edge of NPD: what NPD answers."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from uprid_client.contract.npd import BigId
from worker.providers.moments import read_moment


class Method(StrEnum):
    """NPD's methods, by the last part of their address."""

    PROFILE = "updatemonetaprofile"
    DOCUMENT = "updateuserdoc"
    START = "startuprid"


class Error(StrEnum):
    """Every error of page 002, letter by letter."""

    #: The page's own spelling.
    NO_PARTNER = "no parthner"
    WRONG_SIGNATURE = "wrong signature"
    NO_USER_FOUND = "no user found"
    NO_USER_UNIT = "no user unitId"
    NO_USER_INN = "no user inn"
    NOT_UPDATED = "not updated"
    NO_ASYNC_TASK = "no async task"


_ALWAYS: Final = frozenset(
    {
        Error.NO_PARTNER,
        Error.WRONG_SIGNATURE,
        Error.NO_USER_FOUND,
        Error.NO_USER_UNIT,
        Error.NO_USER_INN,
    }
)
#: Which method knows which errors: another method's is as good as an unknown one.
ERRORS: Final = {
    Method.PROFILE: _ALWAYS,
    Method.DOCUMENT: _ALWAYS | {Error.NOT_UPDATED},
    Method.START: _ALWAYS | {Error.NO_ASYNC_TASK},
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """NPD answered with an error that the method is known for."""

    error: Error
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlike:
    """A readable reply that breaks the contract. Never a verdict; `what` quotes nothing."""

    what: str
    answer: bytes = field(repr=False)


class _Content(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


def _affirmed(value: bool) -> bool:  # noqa: FBT001 -- pydantic's way to call it
    if not value:
        message = "is not so"
        raise ValueError(message)
    return value


class Updated(_Content):
    """The profile holds what was sent."""

    updated: Annotated[bool, AfterValidator(_affirmed)]


class Document(_Content):
    """The passport is stored, and this is the unit that it belongs to."""

    unit_id: BigId
    doc_id: BigId


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    try:
        return read_moment(value)
    except ValueError:
        return None


class Task(_Content):
    """The identification runs: what else is said may be missing or spoilt beside an `asyncId`."""

    async_id: BigId
    async_status: Annotated[str | None, BeforeValidator(_word)] = None
    #: In UTC; None where it was not said, or not readably.
    expiration_date: Annotated[datetime | None, BeforeValidator(_moment)] = None
