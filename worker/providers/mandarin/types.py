"""The edge of Mandarin: what Mandarin answers."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

#: What may be put into a path: the page's ids are UUIDs, and nothing promises that they stay so.
SESSION_ID: Final = r"^[0-9A-Za-z-]{1,64}$"


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
