"""What a marketplace sends: values, so that cases can be data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.local.demo.people import Payload

Clear = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IdentifyUnit:
    """MONETA: identify a unit, by the person's data or by what is stored."""

    #: The first side's; the others have units of their own in its place.
    unit_id: int
    payload: Payload | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class IdentifyByCode:
    """Mandarin: identify a person, who gets a code by SMS."""

    payload: Payload = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandCode:
    """Mandarin: the code that the person says."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdentifySelfEmployed:
    """NPD: identify a self-employed person."""

    payload: Payload = field(repr=False)


@dataclass(frozen=True, slots=True)
class FetchInvoices:
    """IntellectMoney: fetch a payment registry."""

    filters: Clear


@dataclass(frozen=True, slots=True)
class SaveScheduled:
    """IntellectMoney: create a scheduled operation."""

    operation: Clear


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """Any provider: begin the next attempt, with corrected data."""

    payload: Payload = field(repr=False)


Start = IdentifyUnit | IdentifyByCode | IdentifySelfEmployed | FetchInvoices | SaveScheduled
Message = Start | HandCode | NextAttempt
