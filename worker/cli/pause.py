"""`uprid pause` and `uprid unpause`: stop all calls to a provider, and allow them again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import typer
from sqlalchemy import Connection

from uprid_client.names import Provider
from worker.cli.exits import FAILED, opened, settings_for
from worker.cli.output import say
from worker.cli.selection import By, DryRun, checked
from worker.cli.streams import complain
from worker.store import overview, provider_pauses

Named = Annotated[Provider, typer.Argument(metavar="PROVIDER")]
Why = Annotated[str, typer.Option(help="Why. It is stored and shown: nothing personal.")]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One of the two actions on a provider's calls."""

    #: Provider, by, note, now; False where there was nothing to do.
    do: Callable[[Connection, str, str, str, datetime], bool]
    #: Whether it is for a provider that is paused.
    when_paused: bool
    did: str
    would: str
    otherwise: str


_PAUSE: Final = _Turn(
    do=provider_pauses.pause,
    when_paused=False,
    did="all calls have stopped",
    would="would stop all calls",
    otherwise="is paused already",
)
_UNPAUSE: Final = _Turn(
    do=provider_pauses.unpause,
    when_paused=True,
    did="calls go on",
    would="would let calls go on",
    otherwise="is not paused",
)


def pause(provider: Named, note: Why = "", by: By = "", dry_run: DryRun = False) -> None:
    """Stop all calls to a provider. Calls in progress end, and no new one begins."""
    _turn(_PAUSE, provider, note, by, dry_run=dry_run)


def unpause(provider: Named, note: Why = "", by: By = "", dry_run: DryRun = False) -> None:
    """Allow calls to a provider again, and close its breaker."""
    _turn(_UNPAUSE, provider, note, by, dry_run=dry_run)


def _turn(turn: _Turn, provider: Provider, note: str, by: str, *, dry_run: bool) -> None:
    by = checked(note or None, by)
    with opened(settings_for()) as database:
        if dry_run:
            with database.read() as connection:
                row = overview.providers(connection).get(provider)
            paused = row is not None and row.paused_at is not None
            done = paused is turn.when_paused
        else:
            with database.begin() as connection:
                done = turn.do(connection, provider, by, note, database.now())
    if not done:
        complain(f"{provider}: {turn.otherwise}")
        raise typer.Exit(FAILED)
    say(f"{provider}: {turn.would if dry_run else turn.did}")
