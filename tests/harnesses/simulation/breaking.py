"""Breaking: the product with one mistake in it, in memory and for a while.

A mistake that is one place of one function is written as that: what stands there, and what stands
there instead. So it is a line, and it fails aloud once the function no longer reads like this.
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

#: Modules of ours may have a broken function under a name of their own.
_ROOT: Final = str(Path(__file__).parents[3])


@dataclass(frozen=True, slots=True)
class Slip:
    """One place of a function, of a statement or of a text, and what stands there instead."""

    #: A module or a class.
    whose: Any
    name: str
    old: str
    new: str

    def broken(self) -> Any:  # noqa: ANN401 - whatever has the name
        """Return what has the name, with the slip in it."""
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
    """A way to break the product."""

    #: What is left out or done wrong.
    what: str
    #: The promise that it breaks.
    breaks: str
    #: What is replaced: whose, its name, by what.
    changes: Sequence[tuple[Any, str, Any]] = ()
    #: What is written wrongly.
    slips: Sequence[Slip] = ()

    def row(self, name: str, *seen: object) -> str:
        """Return its row in docs/reliability.md; `seen`: by what."""
        return f"| `{name}`: {self.what} | {self.breaks} | {' | '.join(map(str, seen))} |"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Break it for a while."""
        with ExitStack() as stack:
            for whose, name, new in self.changes:
                stack.enter_context(patch.object(whose, name, new))
            for slip in self.slips:
                broken = slip.broken()
                for whose in _everywhere(slip):
                    stack.enter_context(patch.object(whose, slip.name, broken))
            yield


def _everywhere(slip: Slip) -> list[Any]:
    """Return who has what slips under its name: who imported it too."""
    if not isinstance(slip.whose, ModuleType):
        return [slip.whose]
    sound = getattr(slip.whose, slip.name)
    modules = [
        module
        for _, module in sorted(sys.modules.items())
        if (getattr(module, "__file__", None) or "").startswith(_ROOT)
        and vars(module).get(slip.name) is sound
    ]
    # A number is like another one: only its own module's.
    return [slip.whose] if isinstance(sound, int | float) else modules
