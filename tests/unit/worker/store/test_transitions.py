"""Transitions: every change of a state asks the table, and no other module writes one."""

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from uprid_client.contract.states import State
from worker.domain.errors import IllegalTransition
from worker.domain.snapshot import Snapshot
from worker.domain.states import DRIVEN, RETRYABLE, TRANSITIONS
from worker.store import transitions

WORKER: Final = Path(transitions.__file__).parents[1]
NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
#: A statement of SQL that sets a state, under any alias.
_SETS_STATE: Final = re.compile(r"\bSET\b(?:(?!\bWHERE\b).)*?\bstate\s*=", re.DOTALL)
#: Ways in which a module might write a state.
_WRITINGS: Final = (
    'update(OPERATIONS).where(OPERATIONS.c.id == "1").values(state="failed")',
    "update(OPERATIONS).values(**changes)",
    "insert(OPERATIONS).values(**row)",
    "text(\"UPDATE operation SET polls = 1, state = 'failed' WHERE id = 1\")",
    'Bulk(f"UPDATE operation AS o SET {FREED}, state = v.next_state FROM {{rows}}", {})',
)


def snapshot(state: State, attempt: int = 1) -> Snapshot:
    return Snapshot(
        id="1",
        reference="order-1",
        provider="moneta",
        kind="identification",
        state=state,
        attempt=attempt,
        args={},
        created_at=NOW,
    )


def allows(before: Snapshot, after: Snapshot) -> bool:
    try:
        transitions.require(before, after)
    except IllegalTransition:
        return False
    return True


@pytest.mark.parametrize("origin", State)
def test_transition_within_an_attempt_is_as_the_table_has_it(origin: State) -> None:
    before = snapshot(origin)

    allowed = {to for to in State if allows(before, replace(before, state=to))}

    assert allowed == TRANSITIONS[origin] | ({origin} & DRIVEN)


@pytest.mark.parametrize("origin", State)
def test_next_attempt_begins_accepted_and_after_what_may_be_retried(origin: State) -> None:
    before = snapshot(origin, attempt=2)

    allowed = {
        (attempt, to)
        for attempt in (1, 3, 4)
        for to in State
        if allows(before, snapshot(to, attempt))
    }

    assert allowed == ({(3, State.ACCEPTED)} if origin in RETRYABLE else set())


def test_state_is_written_by_the_transitions_alone() -> None:
    writers = {
        path.relative_to(WORKER).as_posix()
        for path in WORKER.rglob("*.py")
        if "sandbox" not in path.parts and _writes_a_state(path)
    }

    assert writers == {Path(transitions.__file__).relative_to(WORKER).as_posix()}


def _writes_a_state(path: Path) -> bool:
    """Tell whether a module has a statement that writes `state`, in SQL or with SQLAlchemy."""
    tree = ast.parse(path.read_text("utf-8"))
    return any(
        _SETS_STATE.search(_text(node))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        else isinstance(node, ast.Call) and _sets_state(node)
        for node in ast.walk(tree)
    )


def _text(node: ast.AST) -> str:
    """Return the text of a string; what is put into it is left out."""
    if isinstance(node, ast.JoinedStr):
        return " ".join(_text(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _sets_state(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "values"
        and any(keyword.arg in {"state", None} for keyword in call.keywords)
        and any(_names_operations(node) for node in ast.walk(call.func))
    )


def _names_operations(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"OPERATIONS", "Operation"}


def test_a_state_that_is_written_in_any_way_is_seen(tmp_path: Path) -> None:
    for number, statement in enumerate(_WRITINGS):
        path = tmp_path / f"{number}.py"
        path.write_text(statement, "utf-8")
        assert _writes_a_state(path), statement
