"""The three requests that this worker may send, read and found valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Poll:
    """`AsyncRequest` with an `asyncId`."""

    async_id: int


@dataclass(frozen=True, slots=True)
class PersonalData:
    """`personalInformation`: keys in lower case; None clears a value."""

    profile: Mapping[str, str | None] = field(repr=False)
    document: Mapping[str, str | None] = field(repr=False)
    document_type: str | None = None
    document_id: int | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """`AsyncRequest` around a `SimplifiedIdentificationRequest`."""

    #: None: the API user itself is to be identified.
    unit_id: int | None
    #: None: what the unit already holds.
    personal: PersonalData | None
    callback_url: str | None


@dataclass(frozen=True, slots=True)
class ProfileCheck:
    """`GetProfileInfoRequest`."""

    #: None: the API user itself.
    unit_id: int | None
    profile_id: int | None
    #: 1 to 5.
    version: int


@dataclass(frozen=True, slots=True)
class Bare:
    """A `SimplifiedIdentificationRequest` outside an `AsyncRequest`."""


Request = Poll | Submit | ProfileCheck | Bare
