"""Every line that is logged, read in the source: a field holds what its name says.

Values are looked at in `tests/integration/process/test_log_fields.py` and in `engine` beside it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[3]
LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
#: What a line may say of something, and the last words of the expressions that are just that.
#: A field that names something is never another thing's name: `provider` is no kind of operation.
SUBJECTS: Final = {
    "provider": {"provider", "_plugin.name", "Provider.MONETA", "Provider.NPD"},
    "providers": {"sorted(runtime.plugins)"},
    "operation": {"work.id", "row.id", "claimed.id"},
    "operations": {"len(unwritten)", "freed"},
    "reference": {"reference"},
    "attempt": {"attempt"},
    "incarnation": {"self.id"},
    "task": {"message.task", "name.value", "shown_task(name)", "unreadable.task"},
    "task_id": {"message.id", "message_id", "message.headers.get('id')"},
    "queue": {"_queue(message)", "unreadable.queue", "key"},
    "thread": {"_name"},
    "role": {"role"},
    "ask": {"call", "'look'"},
    "state": {"state"},
    "action": {"name"},
    "name": {"_name"},
}
#: What else a line may say: numbers, and words of ours.
OTHERS: Final = frozenset(
    {"after", "cause", "code", "done", "error", "events", "failures", "fields", "heard", "key",
     "left", "offered", "rows", "sha256", "size", "slots", "taken", "token", "type", "verdict",
     "why"}
)  # fmt: skip

#: Writes sentences into the marketplace's own log, by the standard library.
_MARKETPLACES: Final = ROOT / "worker/events/consumer.py"


class Line(NamedTuple):
    """A call that logs."""

    where: str
    event: ast.expr
    fields: dict[str, str]


def _lines() -> Iterator[Line]:
    for path in sorted(
        each for part in ("config", "worker", "tasks") for each in (ROOT / part).rglob("*.py")
    ):
        if path.is_relative_to(ROOT / "sandbox/uprid_sandbox") or path == _MARKETPLACES:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and ast.unparse(node.func.value) in {"log", "_log"}
            ):
                named = {n.arg: ast.unparse(n.value) for n in node.keywords if n.arg is not None}
                yield Line(f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0], named)


LINES: Final = list(_lines())


def test_every_line_that_is_logged_was_found() -> None:
    events = {line.event.value for line in LINES if isinstance(line.event, ast.Constant)}

    assert {"plugin_stumbled", "provider_paused", "message_refused", "worker_started"} <= events


@pytest.mark.parametrize("line", LINES, ids=[line.where for line in LINES])
def test_a_line_names_an_event_and_fields_that_hold_what_they_say(line: Line) -> None:
    assert isinstance(line.event, ast.Constant)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", str(line.event.value))
    assert line.fields.keys() <= SUBJECTS.keys() | OTHERS, "give the new field its meaning above"
    for field in line.fields.keys() & SUBJECTS.keys():
        said = line.fields[field]
        assert any(re.search(rf"(^|\W){re.escape(w)}$", said) for w in SUBJECTS[field]), (
            f"{field} is not {said}"
        )
