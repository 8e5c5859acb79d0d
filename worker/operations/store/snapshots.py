"""Rows of operations as snapshots, and back: the one place where the two meet."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Column, RowMapping

from worker.operations.model import OPERATIONS
from worker.operations.snapshot import Run, Snapshot
from worker.operations.states import State

#: Columns that are the fields of the same name, as they are.
_PLAIN: Final = tuple(
    each.name
    for each in fields(Snapshot)
    if each.name not in {"state", "waiting_from", "args", "run"}
)
#: Columns of the open run, by its fields.
_RUN: Final = {each.name: f"run_{each.name}" for each in fields(Run)}
#: A row whose run of like calls was written out.
_NO_RUN: Final[Mapping[str, Any]] = {
    **dict.fromkeys(_RUN.values()),
    "run_count": 0,
    "run_slowest": 0,
}

#: What is selected for a snapshot.
COLUMNS: Final[tuple[Column[Any], ...]] = tuple(
    OPERATIONS.c[name] for name in (*_PLAIN, "state", "waiting_from", "args", *_RUN.values())
)


def snapshot(row: RowMapping) -> Snapshot:
    """Return the snapshot of a row that has all of `COLUMNS`."""
    return Snapshot(**values(row))


def values(row: RowMapping) -> dict[str, Any]:
    """Return the fields of a snapshot, for a type that has some more."""
    found: dict[str, Any] = {name: row[name] for name in _PLAIN}
    origin = row["waiting_from"]
    found["state"] = State(row["state"])
    found["waiting_from"] = None if origin is None else State(origin)
    found["args"] = json.loads(row["args"])
    found["run"] = open_run(row)
    return found


def open_run(row: RowMapping) -> Run | None:
    """Return the run of like calls that is still growing on an operation's row."""
    if row["run_note"] is None:
        return None
    return Run(**{name: row[column] for name, column in _RUN.items()})


def as_row(found: Snapshot) -> dict[str, Any]:
    """Return the columns of a snapshot's row."""
    row: dict[str, Any] = {name: getattr(found, name) for name in _PLAIN}
    row["state"] = found.state.value
    row["waiting_from"] = None if found.waiting_from is None else found.waiting_from.value
    row["args"] = json.dumps(dict(found.args))
    row |= _NO_RUN
    if found.run is not None:
        row |= {column: getattr(found.run, name) for name, column in _RUN.items()}
    return row


def changed(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Return the columns in which one snapshot's row differs from another's."""
    old, new = as_row(before), as_row(after)
    return {name: value for name, value in new.items() if value != old[name]}
