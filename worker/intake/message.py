"""A task message as it came, and the reading of its arguments, all errors at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError

from uprid_client.contract.arguments import Arguments, errors_in
from uprid_client.contract.words import is_reference
from uprid_client.errors import Refused, Unsealable
from uprid_client.sealing import Sealer

#: What every Fernet token begins with: its version, and a time before the year 2106.
_FERNET: Final = "gAAAA"
_Model = TypeVar("_Model", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Message:
    """A task message as it came."""

    id: str
    task: str
    args: Sequence[Any] = field(repr=False)
    kwargs: Mapping[str, Any] = field(repr=False)

    @property
    def reference(self) -> str | None:
        """The reference; None where there is none, or its form is not a reference's."""
        given = self.kwargs.get("reference")
        return given if isinstance(given, str) and is_reference(given) else None


def storable(message_id: object) -> str:
    """Return a message's id as both databases can store it: a sender may have sent anything."""
    text = str(message_id)
    return text if text.isprintable() else ascii(text)


class Reading(Generic[_Model]):
    """Reads a message's arguments by the contract's model; what is wrong is said together.

    Further errors can be added before `sound` is asked for.
    """

    def __init__(self, message: Message, model: type[_Model], *, has_others: bool = False) -> None:
        """`has_others`: arguments that the model does not name are read elsewhere (`others`)."""
        self._message = message
        self._names = model.model_fields.keys()
        self._fields: list[str] = []
        self._reasons: list[str] = []
        if message.args:
            self.add_error("arguments must be given by name", "(positional)")
        # An argument that is null is one that was left out.
        given = {
            name: value
            for name, value in message.kwargs.items()
            if (value is not None if name in self._names else not has_others)
        }
        self._read = self._validated(model, given)

    def _validated(self, model: type[_Model], given: Mapping[str, Any]) -> _Model | None:
        try:
            return model.model_validate(given)
        except ValidationError as error:
            errors = errors_in(error, model)
        for each in errors:
            self.add_error(str(each), each.field)
        return None

    def add_error(self, reason: str, *fields: str) -> None:
        """Note that something is wrong: which fields, and what; never a value."""
        self._fields += fields
        self._reasons.append(reason)

    def has_error(self, name: str) -> bool:
        """Return whether something is wrong with a field."""
        return name in self._fields

    def sound(self) -> _Model:
        """Return what was read; raise `Refused` with all errors, if there are any."""
        if self._read is None or self._reasons:
            raise Refused("; ".join(self._reasons), list(dict.fromkeys(self._fields)))
        return self._read

    def others(self) -> dict[str, Any]:
        """Return the arguments that the model does not name."""
        return {
            name: value for name, value in self._message.kwargs.items() if name not in self._names
        }

    def payload(self, sealer: Sealer) -> dict[str, Any] | None:
        """Open the sealed payload; None where there is none, or something is wrong with it."""
        given = self._message.kwargs.get("sealed")
        if not isinstance(given, str):
            return None
        try:
            payload = sealer.open(given)
        except Unsealable:
            wanted = "seal it with one of UPRID_SEAL_KEYS, over UTF-8 JSON without a name twice"
            is_fernet = given.strip().startswith(_FERNET)
            what = f"does not open: {wanted}" if is_fernet else "must be a Fernet token"
            self.add_error(f"sealed: {what}", "sealed")
            return None
        if isinstance(payload, dict):
            return payload
        self.add_error("sealed: must hold a JSON object", "sealed")
        return None
