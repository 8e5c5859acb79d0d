"""Files of operations to enqueue: one JSON object, or a line each. Pure.

What is checked is what no worker could tell of: whether a message can be made, and whether a
refusal of it could be found again by its reference. The rest is the worker's to judge.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.queues import DOORS, Provider, Task

_LONGEST_REFERENCE: Final = 255


class BadDocument(Exception):
    """The document cannot be enqueued; the text names fields, never values."""


@dataclass(frozen=True, slots=True)
class Document:
    """One operation to enqueue."""

    task: Task
    #: Arguments in clear: ids and flags.
    arguments: Mapping[str, Any] = field(repr=False)
    #: What is sealed before it leaves; None where it came sealed, or not at all.
    payload: Mapping[str, Any] | None = field(repr=False)

    @property
    def reference(self) -> str:
        """What the operation is called."""
        return str(self.arguments["reference"])


def split(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, JSON text) of every document in a file, empty lines left out."""
    if _is_one_object(text):
        yield 1, text
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def read(text: str, provider: Provider) -> Document:
    """Return the document; raise `BadDocument` with all that is wrong with it."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise BadDocument("is nested too deeply") from None
    except ValueError as error:
        # The parser's own text names a place only; the line itself is never shown.
        where = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadDocument(f"is not JSON{where}") from None
    if not isinstance(found, dict):
        raise BadDocument("must be a JSON object")
    arguments = dict(found)
    faults = [*_reference_faults(arguments), *_payload_faults(arguments)]
    payload = arguments.pop("payload", None)
    task = _task(arguments.pop("task", None), provider)
    if task is None:
        known = ", ".join(_short(each) for each in DOORS[provider].start)
        faults.append(f"task: must be one of {known}")
    if faults or task is None:
        raise BadDocument("; ".join(faults))
    return Document(task, arguments, payload)


def _is_one_object(text: str) -> bool:
    """Tell whether the whole text is one JSON value, however it is laid out."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadDocument("names a field twice")
    return found


def _reference_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    reference = arguments.get("reference")
    if reference is None:
        yield "reference: is missing"
    elif not (
        isinstance(reference, str)
        and 0 < len(reference) <= _LONGEST_REFERENCE
        and reference.isprintable()
        and reference == reference.strip()
    ):
        longest = f"1 to {_LONGEST_REFERENCE} printable characters"
        yield f"reference: must be {longest}, without spaces around"


def _payload_faults(arguments: Mapping[str, Any]) -> Iterator[str]:
    if "payload" in arguments and "sealed" in arguments:
        yield "payload, sealed: only one of them may be given"
    if not isinstance(arguments.get("payload", {}), dict):
        yield "payload: must be a JSON object"


def _task(given: object, provider: Provider) -> Task | None:
    start = DOORS[provider].start
    if given is None:
        return start[0] if len(start) == 1 else None
    return next((task for task in start if given in {task.value, _short(task)}), None)


def _short(task: Task) -> str:
    return task.value.rpartition(".")[2]
