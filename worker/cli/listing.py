"""`uprid list`: lists operations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.cli import streams
from worker.cli.diagnosis import OVERDUE_AFTER
from worker.cli.exits import opened, settings_for
from worker.cli.output import lasting, moment, say, say_json, say_table
from worker.cli.streams import complain
from worker.cli.timeline import described
from worker.store import overview, reading
from worker.store.reading import Row

_HEADINGS = ("REFERENCE", "PROVIDER", "STATE", "ATTEMPT", "ACCEPTED", "DUE", "POLLS", "REASON")


def list_operations(
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    provider: Annotated[Provider | None, typer.Option(help="Only of this provider.")] = None,
    reason: Annotated[
        ReasonCode | None, typer.Option(help="Only operations that ended or wait for this reason.")
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only operations that are overdue.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    plain: Annotated[
        bool, typer.Option("--plain", help="Only references, one a line, for `uprid resume -`.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List operations, the newest first.

    With --overdue, the longest overdue first.
    """
    with opened(settings_for()) as database, database.read() as connection:
        now = database.now()
        rows = reading.find_operations(
            connection,
            state=state,
            provider=provider,
            reason=reason,
            overdue=now - OVERDUE_AFTER if overdue else None,
            limit=limit,
        )
        counts = overview.counts(connection)
    if as_json:
        say_json([described(row) for row in rows])
        return
    if plain:
        streams.as_file()
        for row in rows:
            say(row.reference)
    else:
        say_table(_HEADINGS, [_cells(row, now) for row in rows])
        say()
        say(", ".join(f"{c.provider} {c.state.value}: {c.operations}" for c in counts) or "none")
    if len(rows) == limit:
        complain(f"only {limit} are shown: narrow it down, or ask for more with --limit")


def _cells(row: Row, now: datetime) -> Sequence[str]:
    return (
        row.reference,
        row.provider,
        row.state.value,
        str(row.attempt),
        moment(row.created_at),
        _due(row, now),
        str(row.polls),
        "" if row.reason is None else row.reason["code"],
    )


def _due(row: Row, now: datetime) -> str:
    if row.due_at is None:
        return ""
    span = lasting(row.due_at - now)
    return f"in {span}" if row.due_at > now else f"{span} ago"
