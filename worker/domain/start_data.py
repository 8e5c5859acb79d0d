"""A start message that was found good, as it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StartData:
    """A start message that was found good: what is stored of it."""

    kind: str
    args: Mapping[str, Any]
    #: Validated and in canonical writing: the same person gives the same bytes.
    payload: Mapping[str, Any] | None = field(repr=False)
    #: Who the provider's notifications will speak of, such as the phone in canonical writing. Only
    #: its keyed hash is stored. None: they speak of no person.
    subject: str | None = field(default=None, repr=False)
