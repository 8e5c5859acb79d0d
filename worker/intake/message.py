"""A task message as it came, and the reading of its arguments, all faults at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from worker.domain.errors import Refused, Unsealable
from worker.intake.words import (
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_REFERENCE,
    is_provider_ref,
    is_reference,
    name_of,
    note_of,
)
from worker.privacy.sealing import Sealer
from worker.providers.typography import plain
from worker.shown_names import shown_field

_LARGEST: Final = 2**31 - 1
#: What every Fernet token begins with: its version, and a time before the year 2106.
_FERNET: Final = "gAAAA"


@dataclass(frozen=True, slots=True)
class Message:
    """A task message as it came."""

    id: str
    task: str
    args: Sequence[Any] = field(repr=False)
    kwargs: Mapping[str, Any] = field(repr=False)

    @property
    def reference(self) -> str | None:
        """The reference, where there is one that could be one."""
        given = self.kwargs.get("reference")
        return given if isinstance(given, str) and is_reference(given) else None


def storable(message_id: object) -> str:
    """Return a message's id as both databases can store it, whatever its sender made it of."""
    text = str(message_id)
    return text if text.isprintable() else ascii(text)


class Reading:
    """Takes a message's arguments one by one; what is wrong with any of them is told together.

    A method that finds a fault returns a harmless value: nothing may be done with what was read
    before `require_sound` was called.
    """

    def __init__(self, message: Message) -> None:
        self._left = dict(message.kwargs)
        self._fields: list[str] = []
        self._reasons: list[str] = []
        if message.args:
            self.fault("arguments must be given by name", "(positional)")

    def fault(self, reason: str, *fields: str) -> None:
        """Note that something is wrong: which fields, and what; never a value."""
        self._fields += fields
        self._reasons.append(reason)

    def has_faulted(self, name: str) -> bool:
        """Tell whether something is wrong with a field."""
        return name in self._fields

    def require_sound(self) -> None:
        """Raise `Refused` with all faults, if there are any."""
        if self._reasons:
            raise Refused("; ".join(self._reasons), list(dict.fromkeys(self._fields)))

    def reference(self) -> str:
        """Take the marketplace's reference."""
        given = self._left.pop("reference", None)
        if isinstance(given, str) and is_reference(given):
            return given
        wanted = f"must be 1 to {LONGEST_REFERENCE} printable characters, without spaces around"
        self.fault(f"reference: {'is missing' if given is None else wanted}", "reference")
        return ""

    def attempt(self) -> int:
        """Take the number of the attempt that is acted on."""
        given = self._left.pop("attempt", None)
        if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= _LARGEST:
            return given
        self.fault("attempt: must be the number of the attempt that is acted on", "attempt")
        return 0

    def by(self) -> str:
        """Take who acts."""
        given = self._left.pop("by", None)
        name = name_of(given) if isinstance(given, str) else None
        if name is None:
            self.fault(f"by: must say who, in 1 to {LONGEST_NAME} printable characters", "by")
        return name or ""

    def note(self) -> str:
        """Take why somebody acts. It may be empty, but not left out."""
        given = self._left.pop("note", None)
        note = note_of(given) if isinstance(given, str) else None
        if note is None:
            wanted = f"must be a text of at most {LONGEST_NOTE} printable characters"
            self.fault(f"note: {'is missing' if given is None else wanted}", "note")
        return note or ""

    def provider_ref(self) -> str | None:
        """Take the provider's id of an attempt, if it is given."""
        given = self._left.pop("provider_ref", None)
        if isinstance(given, str):
            given = plain(given) or None
        if given is None or (isinstance(given, str) and is_provider_ref(given)):
            return given
        self.fault("provider_ref: must be the provider's id as text", "provider_ref")
        return None

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        """Take a word."""
        given = self._left.pop(name, None)
        if isinstance(given, str) and plain(given) in allowed:
            return plain(given)
        self.fault(f"{name}: must be one of {', '.join(allowed)}", name)
        return ""

    def positive(self, name: str) -> int:
        """Take a provider's number."""
        given = self._left.pop(name, None)
        if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 2**63:
            return given
        self.fault(f"{name}: must be a positive integer", name)
        return 0

    def payload(self, sealer: Sealer, *, required: bool = False) -> dict[str, Any] | None:
        """Take and open the sealed payload, if there is one."""
        given = self._left.pop("sealed", None)
        if given is None:
            if required:
                self.fault("sealed: is missing", "sealed")
            return None
        if not isinstance(given, str):
            self.fault("sealed: must be a Fernet token", "sealed")
            return None
        try:
            payload = sealer.open(given)
        except Unsealable:
            wanted = "seal it with one of UPRID_SEAL_KEYS, over UTF-8 JSON without a name twice"
            is_token = given.strip().startswith(_FERNET)
            fault = f"does not open: {wanted}" if is_token else "must be a Fernet token"
            self.fault(f"sealed: {fault}", "sealed")
            return None
        if isinstance(payload, dict):
            return payload
        self.fault("sealed: must hold a JSON object", "sealed")
        return None

    def others(self) -> dict[str, Any]:
        """Take whatever is left."""
        left, self._left = self._left, {}
        return left

    def no_others(self) -> None:
        """Fault whatever is left."""
        for name in self.others():
            shown = shown_field(name)
            self.fault(f"{shown}: is no argument of this task", shown)
