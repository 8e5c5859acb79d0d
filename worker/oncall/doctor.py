"""`uprid doctor`: everything that is wrong, at once."""

from collections.abc import Iterator
from typing import Annotated

import typer

from config.settings import Need, Settings
from worker.errors import UpridError
from worker.oncall import streams
from worker.oncall.checks.broker import check_broker
from worker.oncall.checks.database import check_database
from worker.oncall.checks.finding import Finding, Level, fault, ok
from worker.oncall.checks.keys import check_keys
from worker.oncall.checks.progress import check_progress
from worker.oncall.checks.providers import check_providers
from worker.oncall.checks.stream import check_stream
from worker.oncall.output import say, say_json
from worker.oncall.stop import FAILED, Stop, complain, settings_for
from worker.operations.database import Database


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check settings, database, broker, keys, providers, clocks and whether the work goes on."""
    try:
        settings = settings_for(Need.BROKER, Need.KEYS)
    except Stop as stop:
        # Without settings there is nothing else to look at.
        _report([fault("settings", line) for line in stop.lines], as_json=as_json)
        raise typer.Exit(stop.status) from None
    findings = list(_findings(settings))
    _report(findings, as_json=as_json)
    if any(found.level is Level.FAULT for found in findings):
        raise typer.Exit(FAILED)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield ok("settings", "fit together")
    yield from check_broker(settings)
    yield from check_stream(settings)
    database = Database(settings.database_url, connections=2)
    try:
        found = list(check_database(database))
        yield from found
        if all(finding.level is not Level.FAULT for finding in found):
            yield from check_keys(settings, database)
            yield from check_progress(settings, database)
    except UpridError as error:
        yield fault("database", str(error))
    finally:
        database.dispose()
    yield from check_providers(settings)


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
