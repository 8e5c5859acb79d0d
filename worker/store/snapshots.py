"""Converts rows of operations to snapshots and back; the only place that does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Column

from uprid_client.contract.states import State
from worker.domain.snapshot import Run, Snapshot
from worker.store.tables import OPERATIONS

#: Columns whose names must stay for an older release, by the fields that they are.
_NAMED_OTHERWISE: Final = {
    "lease_id": "lease_token",
    "hurried_at": "wanted_at",
    "consecutive_failures": "faults",
    "notifications": "notices",
}
#: Columns by the fields that they are, as they are.
_PLAIN: Final = {
    each.name: _NAMED_OTHERWISE.get(each.name, each.name)
    for each in fields(Snapshot)
    if each.name not in {"state", "waiting_from", "args", "run"}
}
#: Columns of the open run, by its fields.
_RUN: Final = {each.name: f"run_{each.name}" for each in fields(Run)}
#: A row whose run of like calls was written out.
_NO_RUN: Final[Mapping[str, Any]] = {
    **dict.fromkeys(_RUN.values()),
    "run_count": 0,
    "run_slowest": 0,
}

#: What is selected for a snapshot, before anything else: `values` counts on the order.
COLUMNS: Final[tuple[Column[Any], ...]] = tuple(
    OPERATIONS.c[name]
    for name in (*_PLAIN.values(), "state", "waiting_from", "args", *_RUN.values())
)
_READ: Final = slice(len(_PLAIN), len(COLUMNS))


def snapshot(row: Sequence[Any]) -> Snapshot:
    """Return the snapshot of a row that begins with `COLUMNS`."""
    return Snapshot(**values(row))


def values(row: Sequence[Any]) -> dict[str, Any]:
    """Return the fields of a snapshot, for a type that has some more."""
    # By place: this is done for every poll, and by name it takes twice as long.
    found: dict[str, Any] = dict(zip(_PLAIN, row, strict=False))
    state, origin, args, *run = row[_READ]
    found["state"] = State(state)
    found["waiting_from"] = None if origin is None else State(origin)
    found["args"] = json.loads(args)
    found["run"] = None if run[0] is None else Run(*run)
    return found


def as_row(found: Snapshot) -> dict[str, Any]:
    """Return the columns of a snapshot's row."""
    row: dict[str, Any] = {column: getattr(found, name) for name, column in _PLAIN.items()}
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
