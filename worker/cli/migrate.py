"""`uprid migrate`: migrates the schema to the newest, or back."""

from datetime import timedelta
from typing import Annotated

import typer

from worker.cli.exits import FAILED, MISUSED, Stop, settings_for
from worker.cli.output import say
from worker.store import overview
from worker.store.database import Database
from worker.store.schema import is_behind, is_revision, newest_revision
from worker.store.schema import migrate as bring


def migrate(
    to: Annotated[
        str,
        typer.Option(help="The revision to migrate to. To go back, stop every process first."),
    ] = "head",
) -> None:
    """Migrate the schema to the newest. Harmless if it is the newest already."""
    settings = settings_for()
    if to != "head" and not is_revision(to):
        raise Stop(MISUSED, [f"--to {to}: is no revision of this release: {newest_revision()} is"])
    database = Database(settings.database_url, connections=2)
    try:
        if is_behind(database, to):
            _require_stopped(database, settings.engine.lease_silence)
        say(f"schema is at {bring(database, to)}")
    finally:
        database.dispose()


def _require_stopped(database: Database, silence: timedelta) -> None:
    """End the command if a process is alive: going back takes away what it reads and writes."""
    with database.read() as connection:
        last_seen = database.now() - silence
        alive = [each for each in overview.workers(connection) if each.beat_at >= last_seen]
    if alive:
        refusal = f"{len(alive)} processes are alive: stop every worker and poller first"
        raise Stop(FAILED, [f"--to: going back takes away what they work with. {refusal}"])
