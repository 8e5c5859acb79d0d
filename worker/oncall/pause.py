"""`uprid pause` and `uprid unpause`: all calls to a provider; its operations keep their state."""

from collections.abc import Mapping
from typing import Annotated

import typer

from config.queues import Provider
from worker.oncall.choosing import By, DryRun, check_note, login_name
from worker.oncall.output import say
from worker.oncall.stop import FAILED, MISUSED, Stop, complain, opened, settings_for
from worker.operations.store import overview, pausing
from worker.operations.store.overview import ProviderRow

Named = Annotated[Provider, typer.Argument(metavar="PROVIDER")]
Why = Annotated[str, typer.Option(help="Why; kept and shown, so nothing personal.")]


def pause(provider: Named, note: Why = "", by: By = "", dry_run: DryRun = False) -> None:
    """Stop all calls to a provider. Calls that are under way end; nothing new begins."""
    _check(note)
    with opened(settings_for()) as database:
        if dry_run:
            with database.read() as connection:
                paused = _is_paused(overview.providers(connection), provider)
            say(f"{provider}: {'is paused already' if paused else 'would stop all calls'}")
            return
        with database.begin() as connection:
            now = database.now()
            done = pausing.pause(connection, provider, by or login_name(), note, now)
    _say(provider, done=done, did="all calls have stopped", was="is paused already")


def unpause(provider: Named, note: Why = "", by: By = "", dry_run: DryRun = False) -> None:
    """Let calls to a provider go on; its breaker begins anew."""
    _check(note)
    with opened(settings_for()) as database:
        if dry_run:
            with database.read() as connection:
                paused = _is_paused(overview.providers(connection), provider)
            say(f"{provider}: {'would go on' if paused else 'is not paused'}")
            return
        with database.begin() as connection:
            now = database.now()
            done = pausing.unpause(connection, provider, by or login_name(), note, now)
    _say(provider, done=done, did="calls go on", was="is not paused")


def _is_paused(rows: Mapping[str, ProviderRow], provider: Provider) -> bool:
    row = rows.get(provider)
    return row is not None and row.paused_at is not None


def _check(note: str) -> None:
    faults = check_note(note) if note else []
    if faults:
        raise Stop(MISUSED, faults)


def _say(provider: Provider, *, done: bool, did: str, was: str) -> None:
    if not done:
        complain(f"{provider}: {was}")
        raise typer.Exit(FAILED)
    say(f"{provider}: {did}")
