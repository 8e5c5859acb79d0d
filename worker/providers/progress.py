"""What an attempt remembers at its provider: a value with names, stored as a JSON object."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The base of each provider's own. The names of its fields are what the database holds.

    A field at its default is not stored.
    """

    #: What another release beside this one remembers: carried along as it is.
    others: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Return what was stored; without anything, the beginning."""
        if not stored:
            return cls()
        names = _defaults(cls)
        own = {name: value for name, value in stored.items() if name in names}
        return cls(**own, others={n: v for n, v in stored.items() if n not in names})

    def stored(self) -> dict[str, Any]:
        """Return what is to be stored."""
        own = {name: (getattr(self, name), usual) for name, usual in _defaults(type(self)).items()}
        return {**self.others, **{n: value for n, (value, usual) in own.items() if value != usual}}


def _defaults(model: type[Progress]) -> Mapping[str, Any]:
    """Return what each field of a provider's is without anything stored."""
    return {each.name: each.default for each in fields(model) if each.name != "others"}
