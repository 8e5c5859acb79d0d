"""Files of operations to enqueue: one JSON object, or a line each. Pure.

Checks what a worker cannot report: whether a message can be made, whether its refusal could be
found by its reference, and whether anything would be sent in clear that is no argument of the task
and so may be personal. The worker checks the rest.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.queues import PROVIDER_TASKS
from uprid_client.contract.catalogue import tasks_of
from uprid_client.contract.tasks import TaskContract
from uprid_client.contract.words import LONGEST_REFERENCE, is_reference
from uprid_client.names import Provider, Task
from uprid_client.plain_json import NotSendable, plain_json
from uprid_client.shown_names import shown_field

#: What every Fernet token begins with: its version, and a time before the year 2106.
_FERNET: Final = "gAAAA"
_EVERYWHERE: Final = frozenset({"payload", "sealed"})


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
    def reference(self) -> str | None:
        """What the operation is called; None: the message names none."""
        given = self.arguments.get("reference")
        return None if given is None else str(given)


def split(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, JSON text) of every document in a file, empty lines left out."""
    if _is_one_object(text):
        yield 1, text
        return
    for number, line in enumerate(text.split("\n"), start=1):
        # Files with a BOM each, one behind the other.
        bare = line.removeprefix("\ufeff")
        if bare.strip():
            yield number, bare


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
    task = _task(arguments.pop("task", None), provider)
    contract = None if task is None else tasks_of(provider)[task]
    errors = [*_carried_errors(found), *_reference_errors(arguments, contract)]
    errors += [*_payload_errors(arguments, contract), *_argument_errors(arguments, contract)]
    payload = arguments.pop("payload", None)
    if task is None:
        known = ", ".join(_short(each) for each in tasks_of(provider))
        errors.append(f"task: must be one of {known}")
    if errors or task is None:
        raise BadDocument("; ".join(errors))
    return Document(task, arguments, payload)


def _is_one_object(text: str) -> bool:
    """Return whether the whole text is one JSON value, however it is laid out."""
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


def _carried_errors(found: Mapping[str, Any]) -> Iterator[str]:
    """Return the places of values that no message can carry, such as NaN."""
    for name, value in found.items():
        try:
            plain_json(value, shown_field(name))
        except NotSendable as error:
            yield from error.errors


def _reference_errors(arguments: Mapping[str, Any], contract: TaskContract | None) -> Iterator[str]:
    if contract is not None and not contract.has_reference:
        return
    reference = arguments.get("reference")
    if reference is None:
        yield "reference: is missing"
    elif not (isinstance(reference, str) and is_reference(reference)):
        longest = f"1 to {LONGEST_REFERENCE} printable characters"
        yield f"reference: must be {longest}, without spaces around"


def _payload_errors(arguments: Mapping[str, Any], contract: TaskContract | None) -> Iterator[str]:
    given = [name for name in ("payload", "sealed") if name in arguments]
    if len(given) > 1:
        yield "payload, sealed: only one of them may be given"
    if not isinstance(arguments.get("payload", {}), dict):
        yield "payload: must be a JSON object"
    sealed = arguments.get("sealed", _FERNET)
    if not (isinstance(sealed, str) and sealed.startswith(_FERNET)):
        yield "sealed: must be a Fernet token; what is in clear goes into payload"
    if contract is not None and contract.needs_payload and not given:
        yield "payload: is missing"
    if contract is not None and not contract.takes_payload and given:
        yield f"{given[0]}: this task takes none"


def _argument_errors(arguments: Mapping[str, Any], contract: TaskContract | None) -> Iterator[str]:
    if contract is None:
        return
    known = contract.in_clear | _EVERYWHERE | ({"reference"} if contract.has_reference else set())
    for name in sorted(arguments.keys() - known):
        what = "is no argument of this task; what is personal goes into payload"
        yield f"{shown_field(name)}: {what}"
    for name in sorted(contract.in_clear & arguments.keys()):
        value = arguments[name]
        if contract.is_object(name):
            if not isinstance(value, dict):
                yield f"{name}: must be a JSON object"
        elif not isinstance(value, int) or isinstance(value, bool):
            yield f"{name}: must be an integer"


def _task(given: object, provider: Provider) -> Task | None:
    start = PROVIDER_TASKS[provider].start
    # Unnamed, it is the one that starts something, if there is only one.
    if given is None:
        return start[0] if len(start) == 1 else None
    known = tasks_of(provider)
    return next((task for task in known if given in (task.value, _short(task))), None)


def _short(task: Task) -> str:
    return task.value.rpartition(".")[2]
