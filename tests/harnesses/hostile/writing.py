"""Compares what the engine would write for an outcome with the columns that it is written into."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from tests.harnesses.hostile.case import MARKERS, Question
from worker.domain.event_data import operation_event
from worker.domain.outcomes import Outcome
from worker.engine.calls import Answer, Call
from worker.engine.decisions import decide
from worker.store.changes import Transition
from worker.store.claims import ClaimedSnapshot

#: The most characters of a result that is published in clear.
_LONGEST_RESULT: Final = 8_192
_BIGGEST: Final = 2**63


def written(question: Question, outcome: Outcome) -> Iterator[str]:
    """Let the engine decide, and check that what it would write fits into the columns."""
    work = question.work
    claimed = ClaimedSnapshot(
        id=work.id, reference=work.reference, provider="moneta", kind=work.kind, state=work.state,
        attempt=work.attempt, args=work.args, provider_ref=work.provider_ref, due_at=work.due_at,
        deadline_at=work.deadline_at, polls=work.polls,
        consecutive_failures=work.consecutive_failures,
        progress=json.dumps(dict(work.progress)), created_at=work.now, started_at=work.now,
        run=None, missing=work.missing, inputs_sent=work.inputs_sent,
        input_sent_at=work.input_sent_at, input_id="1" if question.ask is Call.SUPPLY else None,
    )  # fmt: skip
    answer = Answer(claimed, question.ask, outcome, work.now, 3)
    try:
        change = decide(answer, question.plugin, work.now, 0.5, _seal)
        texts = _texts(change)
    except Exception as error:  # noqa: BLE001 - that there is one is the finding
        yield f"undecidable: {type(error).__name__}"
        return
    for name, text, longest in texts:
        yield from _unwritable(name, text, longest)
    for record in change.records:
        yield from _unstorable(asdict(record))
    if change.due_at is not None and change.due_at > work.now + timedelta(days=31):
        yield "due in more than a month"


def _seal(content: bytes) -> str:
    del content
    return "(sealed)"


def _texts(change: Any) -> list[tuple[str, str, int]]:  # noqa: ANN401 - a Stay or a Move
    """Return every text that is written, with the most characters that its column holds."""
    found = [("progress", change.progress or "", 1_000_000)]
    if not isinstance(change, Transition):
        return [*found, ("note", change.run.note, 100)]
    if change.call is not None:
        found.append(("note", change.call.note, 100))
    if change.reason is not None:
        found.append(("reason", change.reason.as_text(), 2_000))
    found.append(("provider_ref", change.provider_ref or "", 100))
    found.append(("missing", change.missing or "", 20))
    result = json.dumps(dict(change.result), allow_nan=False)
    found.append(("result", result, _LONGEST_RESULT))
    for kind, event_id in change.events:
        event = operation_event(
            kind, change.after(1), change.details, change.snapshot.due_at, event_id
        )
        row = event.row()
        found.append(("event", row["data"], 64_000))
        json.loads(row["data"], parse_constant=_no_constant)
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _unwritable(name: str, text: str, longest: int) -> Iterator[str]:
    if len(text) > longest:
        yield f"{name} is too long: {len(text)}"
    if "\x00" in text:
        yield f"{name} holds a NUL"
    try:
        text.encode()
    except UnicodeEncodeError:
        yield f"{name} holds half a character"
    # JSON may hide a marker in escapes.
    shown = text.encode("ascii", "backslashreplace").decode().replace("\\\\u", "\\u")
    plain = shown.encode().decode("unicode_escape", "replace") if "\\u" in shown else text
    for marker in MARKERS:
        if marker in text or marker in plain:
            yield f"leak in {name}: {marker}"


def _unstorable(record: dict[str, Any]) -> Iterator[str]:
    """Check that an invoice and its transactions fit into their columns."""
    longest = {"state": 40, "payment_type": 40, "currency": 10, "amount": 40, "order_number": 4_000}
    for name, value in record.items():
        if name == "transactions":
            for each in value:
                yield from _unstorable(each)
        elif isinstance(value, int) and not -_BIGGEST <= value < _BIGGEST:
            yield f"{name} of an invoice has no place in its column"
        elif isinstance(value, str) and name != "sealed":
            known = name if name in longest else name.rpartition("_")[2]
            if len(value) > longest[known] or "\x00" in value:
                yield f"{name} of an invoice has no place in its column"
