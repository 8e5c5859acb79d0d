"""Breaks the product: puts one mistake into it, in memory and for the time of a `with` block.

A mistake in one place of a function is given as the text that is there and the text that replaces
it. Such a slip is one line in a list, and it raises `LookupError` as soon as the function no longer
reads like this.
"""

import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final
from unittest.mock import patch

from sqlalchemy import text

from worker.store.bulk import Bulk

#: Modules below this folder may have imported a function that is broken, under its own name.
_ROOT: Final = str(Path(__file__).parents[3])


@dataclass(frozen=True, slots=True)
class Slip:
    """One place of a function, a statement or a text, and the text that replaces it."""

    #: A module or a class.
    whose: Any
    name: str
    old: str
    new: str

    def broken(self) -> Any:  # noqa: ANN401 - of any type
        """Return the function, statement or text with the slip in it."""
        sound = inspect.getattr_static(self.whose, self.name)
        if isinstance(sound, str):
            return self._slipped(sound)
        if isinstance(sound, Bulk):
            statement = copy(sound)
            statement._postgres = text(self._slipped(sound._postgres.text))
            statement._sqlite = text(self._slipped(sound._sqlite.text))
            return statement
        function = sound
        if isinstance(sound, property):
            function = sound.fget
        elif isinstance(sound, classmethod | staticmethod):
            function = sound.__func__
        if not isinstance(function, FunctionType):
            return self._number(sound)
        source = self._slipped(textwrap.dedent(inspect.getsource(function)))
        made: dict[str, Any] = {}
        exec(source, function.__globals__, made)  # noqa: S102 - our own source, with a slip in it
        return made[self.name]

    def _slipped(self, sound: str) -> str:
        if sound.count(self.old) != 1:
            message = f"{self.name} has {self.old!r} {sound.count(self.old)} times, not once"
            raise LookupError(message)
        return sound.replace(self.old, self.new)

    def _number(self, sound: object) -> Any:  # noqa: ANN401
        """Return another constant."""
        if str(sound) != self.old:
            message = f"{self.name} is {sound}, not {self.old}"
            raise LookupError(message)
        return type(sound)(self.new)  # type: ignore[call-arg]  # a number


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to break the product."""

    #: What is left out or done wrong.
    what: str
    #: The promise that it breaks.
    breaks: str
    #: Replacements: module or class, name, replacement.
    changes: Sequence[tuple[Any, str, Any]] = ()
    #: Slips in the source.
    slips: Sequence[Slip] = ()

    def row(self, name: str, *seen: object) -> str:
        """Return its row in docs/reliability.md. `seen` says what notices it."""
        return f"| `{name}`: {self.what} | {self.breaks} | {' | '.join(map(str, seen))} |"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Break the product during a `with` block."""
        with ExitStack() as stack:
            for whose, name, new in self.changes:
                stack.enter_context(patch.object(whose, name, new))
            for slip in self.slips:
                broken = slip.broken()
                for whose in _everywhere(slip):
                    stack.enter_context(patch.object(whose, slip.name, broken))
            yield


def _everywhere(slip: Slip) -> list[Any]:
    """Return every module that has the broken object under this name, because it imported it."""
    if not isinstance(slip.whose, ModuleType):
        return [slip.whose]
    sound = getattr(slip.whose, slip.name)
    modules = [
        module
        for _, module in sorted(sys.modules.items())
        if (getattr(module, "__file__", None) or "").startswith(_ROOT)
        and vars(module).get(slip.name) is sound
    ]
    # Equal numbers look the same, so a number changes only in its own module.
    return [slip.whose] if isinstance(sound, int | float) else modules
