"""An operation's timeline for programs: JSON objects, in the order of what happened."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from worker.domain.events import rfc3339
from worker.store.journal import What
from worker.store.reading import Attempt, Entry, PublishedEvent, RefusedMessage, Row, Story


def described(row: Row) -> dict[str, Any]:
    """Return an operation as `list --json` has it."""
    return {
        "reference": row.reference,
        "operation_id": row.id,
        "provider": row.provider,
        "kind": row.kind,
        "state": row.state.value,
        "attempt": row.attempt,
        "provider_ref": row.provider_ref,
        "accepted_at": rfc3339(row.created_at),
        "started_at": rfc3339(row.started_at),
        "finished_at": rfc3339(row.finished_at),
        "deadline_at": rfc3339(row.deadline_at),
        "due_at": rfc3339(row.due_at),
        "polls": row.polls,
        "reason": row.reason,
        "result": row.result,
        "answered": row.answered,
        "missing": row.missing,
        "inputs_sent": row.inputs_sent,
        "inputs_waiting": row.inputs_waiting,
    }


def story_json(story: Story) -> dict[str, Any]:
    """Return a reference as `show --json` has it; null where it was only ever refused."""
    if story.operation is None:
        names = (
            "operation_id", "provider", "kind", "state", "attempt", "provider_ref", "accepted_at",
            "started_at", "finished_at", "deadline_at", "due_at", "polls", "reason", "result",
            "answered", "missing", "inputs_sent", "inputs_waiting",
        )  # fmt: skip
        row: dict[str, Any] = {"reference": story.reference, **dict.fromkeys(names)}
    else:
        row = described(story.operation)
    return {**row, "timeline": timeline(story)}


def timeline(story: Story) -> list[dict[str, Any]]:
    """Return what happened, the oldest first; every object has `at` and `what`.

    `call` (`until`, `count`, `slowest_ms`), `move`, `person` (`by`, `why`), `late`, `ignored`,
    `heard` (an input or a notification came);
    `end` (`ended_as`, `reason`, `result`), `event` (`type`, `id`, `sequence`, `published`),
    `refused` (`task`, `message_id`, `fields`, `reason`).
    """
    happened = [
        *(_entry(entry) for entry in story.journal),
        *_ends(story.attempts),
        *(_event(event) for event in story.events),
        *(_refusal(refusal) for refusal in story.refusals),
    ]
    # Of things at one moment, the journal's come first: the sort keeps their order.
    happened.sort(key=lambda thing: thing[0])
    return [{"at": rfc3339(at), **fields} for at, fields in happened]


def _entry(entry: Entry) -> tuple[datetime, dict[str, Any]]:
    fields: dict[str, Any] = {
        "what": entry.what.value,
        "attempt": entry.attempt,
        "note": entry.note,
    }
    if entry.what is What.CALL:
        fields |= {"until": rfc3339(entry.last_at), "count": entry.count}
    if entry.slowest is not None:
        fields["slowest_ms"] = entry.slowest
    if entry.by is not None:
        fields["by"] = entry.by
    if entry.detail is not None:
        fields["why"] = entry.detail
    return entry.at, fields


def _ends(attempts: tuple[Attempt, ...]) -> Iterator[tuple[datetime, dict[str, Any]]]:
    for attempt in attempts:
        if attempt.ended_as is not None and attempt.finished_at is not None:
            yield (
                attempt.finished_at,
                {
                    "what": "end",
                    "attempt": attempt.number,
                    "ended_as": attempt.ended_as,
                    "reason": attempt.reason,
                    "result": attempt.result,
                },
            )


def _event(event: PublishedEvent) -> tuple[datetime, dict[str, Any]]:
    return event.time, {
        "what": "event",
        "attempt": event.attempt,
        "type": event.type,
        "id": event.id,
        "sequence": event.sequence,
        "published": event.published,
    }


def _refusal(refusal: RefusedMessage) -> tuple[datetime, dict[str, Any]]:
    return refusal.at, {
        "what": "refused",
        "task": refusal.task,
        "message_id": refusal.message_id,
        "fields": list(refusal.fields),
        "reason": refusal.reason,
    }
