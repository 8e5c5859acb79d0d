"""`uprid doctor`: finds every fault at once."""

from collections.abc import Iterator
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Need, Settings
from uprid_client.errors import UpridError
from worker.cli import streams
from worker.cli.doctor.at_once import Look, at_once
from worker.cli.doctor.broker import check_broker, check_events_server
from worker.cli.doctor.database import check_database
from worker.cli.doctor.finding import Finding, Level, fault, ok
from worker.cli.doctor.installation import check_installation
from worker.cli.doctor.keys import check_keys
from worker.cli.doctor.progress import check_progress
from worker.cli.doctor.providers import looks_at_providers
from worker.cli.doctor.queues import check_queues
from worker.cli.doctor.stream import check_stream
from worker.cli.exits import FAILED, Stop, explained, settings_for
from worker.cli.output import say, say_json
from worker.cli.streams import complain
from worker.store.database import Database


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find every fault at once, each with what to do.

    Checks installation, settings, database, broker, keys, providers, and whether work gets done.
    """
    try:
        settings = settings_for(Need.BROKER, Need.KEYS)
    except Stop as stop:
        # Without settings there is nothing else to look at.
        unset = [fault("settings", line) for line in stop.lines]
        _report([*check_installation(), *unset], as_json=as_json)
        raise typer.Exit(stop.status) from None
    findings = list(_findings(settings))
    # Looked at last: its imports take the time in which heartbeats grow old. Said first.
    findings[:0] = check_installation()
    _report(findings, as_json=as_json)
    if any(found.level is Level.FAULT for found in findings):
        raise typer.Exit(FAILED)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield ok("settings", "fit together")
    yield from at_once(
        [
            Look("broker", "look at REDIS_URL", lambda: check_broker(settings)),
            Look(
                "events",
                "look at UPRID_EVENTS__REDIS_URL",
                lambda: check_events_server(settings),
            ),
            Look("queues", "look at REDIS_URL", lambda: check_queues(settings)),
            Look("events stream", "look at its server", lambda: check_stream(settings)),
            Look(
                "database",
                "look at DATABASE_URL, whether its server runs, and whether a pooler is paused",
                lambda: _in_database(settings),
            ),
            *looks_at_providers(settings),
        ]
    )


def _in_database(settings: Settings) -> Iterator[Finding]:
    database = Database(settings.database_url, connections=2)
    try:
        yield from _of_database(settings, database)
    finally:
        database.dispose()


def _of_database(settings: Settings, database: Database) -> Iterator[Finding]:
    can_be_read = False
    for found in _to_the_end("database", check_database(database)):
        can_be_read = can_be_read or found == ok("database", found.detail)
        yield found
    if can_be_read:
        yield from _to_the_end("keys", check_keys(settings, database))
        yield from _to_the_end("progress", check_progress(settings, database))


def _to_the_end(what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Pass findings on; what ends them early is one more, and never the end of the report."""
    try:
        yield from findings
    except UpridError as error:
        yield fault(what, explained(error))
    except SQLAlchemyError as error:
        # A mistake of ours, whose text may hold values.
        yield fault(what, f"cannot be looked at: {type(error).__name__}")


def _report(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        healthy = all(found.level is not Level.FAULT for found in findings)
        say_json({"ok": healthy, "findings": [found.as_json() for found in findings]})
        return
    for found in findings:
        line = f"{found.level:8} {found.what}: {found.detail}"
        # What is wrong goes where errors go; standard output keeps the order for people.
        (say if found.level is not Level.FAULT else complain)(line)
        streams.flush()
