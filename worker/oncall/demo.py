"""`uprid demo`: the whole worker against the sandbox, from the first message to the last event."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from config.settings import Need, load
from worker.client import Client
from worker.errors import UpridError
from worker.oncall import chosen
from worker.oncall.demonstration import checks, scan
from worker.oncall.demonstration.board import board, describe
from worker.oncall.demonstration.cases import CASES
from worker.oncall.demonstration.checks import Record
from worker.oncall.demonstration.people import personal_values
from worker.oncall.demonstration.run import Run, calls, read
from worker.oncall.embedded import EmbeddedBroker
from worker.oncall.fleet import Fleet, Sizes, grace
from worker.oncall.loopback import free_port
from worker.oncall.processes import Keeper, Stage
from worker.oncall.stop import FAILED, Stop, explained
from worker.oncall.stopping import StopRequests
from worker.operations.database import Database
from worker.privacy.sealing import new_key
from worker.sandbox.options import SandboxOptions

#: Seconds.
_PATIENCE: Final = 120.0
_TASK_TAKES: Final = 1.5
_TASK_EXPIRES_AFTER: Final = 8.0
#: Settings of whoever starts the demo: none of them may reach it.
_FOREIGN: Final = ("UPRID_", "DATABASE_URL", "REDIS_URL", "CELERY_", "FLOWER_")


class Interrupted(UpridError):
    """The demo was interrupted before everything had ended."""


@dataclass(slots=True)
class Outcome:
    """What a run brought to light."""

    record: Record = field(default_factory=Record)
    requests: Mapping[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the logs and the database afterwards.")
    ] = False,
) -> None:
    """Run identifications through the whole worker, on this machine and against the sandbox."""
    console = _Console(highlight=False)
    began = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="uprid-demo-"))
    say = _Speaker(console)
    try:
        outcome = _play(directory, console, say)
        faults = outcome.faults + _report(outcome, directory, say)
        lines = [f"not as expected: {fault}" for fault in faults]
    except Interrupted as error:
        shutil.rmtree(directory, ignore_errors=True)
        raise Stop(FAILED, [str(error)]) from None
    except UpridError as error:
        lines = [explained(error)]
    if lines:
        raise Stop(FAILED, [*lines, f"its logs and its database: {directory}"])
    say("done", f"everything was as expected, in {time.monotonic() - began:.0f} s")
    if keep:
        say("kept", str(directory))
    else:
        shutil.rmtree(directory, ignore_errors=True)


def _play(directory: Path, console: Console, say: "_Speaker") -> Outcome:
    """Start everything, send, watch, read back, stop everything.

    Raises `Interrupted`, and what starting raises.
    """
    fleet = _fleet(directory)
    data = directory / "var"
    with (
        StopRequests() as stop,
        Keeper(
            directory, data / "log", grace=grace(fleet.settings), hurried=stop.hurried, say=say
        ) as keeper,
    ):
        say("starting", "a broker, a database, a stand-in for MONETA and real worker processes")
        if not fleet.start(keeper, say, stopped=stop.asked):
            raise Interrupted
        database = Database(fleet.settings.database_url, connections=2)
        client = Client(
            fleet.settings.broker_url,
            [key.get_secret_value() for key in fleet.settings.seal_keys],
        )
        try:
            outcome = _sent_and_watched(client, database, console, say, stop)
            # Before the events are read: whatever is still to be told is told now.
            keeper.stop(Stage.WORK)
            for event in read(client, "afterwards", wait=0.3):
                outcome.record.add(event)
        finally:
            client.close()
            database.dispose()
        counted = calls(_port(fleet))
    outcome.requests = counted["requests"]
    outcome.faults += checks.faults_of_record(outcome.record)
    outcome.faults += checks.faults_of_calls(counted["units"])
    return outcome


def _sent_and_watched(
    client: Client, database: Database, console: Console, say: "_Speaker", stop: StopRequests
) -> Outcome:
    with board(console) as shown:
        run = Run(client, database, shown, say)
        began = time.monotonic()
        sent = run.send()
        ended = run.watch(_PATIENCE, stopped=stop.asked)
    if stop.asked():
        raise Interrupted
    took = time.monotonic() - began
    if not ended:
        return Outcome(faults=[f"not all of it ended within {took:.0f} s"])
    say("ended", f"{sent} messages and their follow-ups, in {took:.1f} s")
    return Outcome()


def _report(outcome: Outcome, directory: Path, say: "_Speaker") -> list[str]:
    """Print what was read back, counted and looked for; return what must not be."""
    say("events", "read back from the stream, each operation's in their order:")
    for case in CASES:
        told = " → ".join(describe(event) for event in outcome.record.of(case.reference))
        say("", f"{case.reference:18}{told}")
    for refusal in outcome.record.refusals:
        say("", f"{refusal.subject:18}{describe(refusal)}")
    requests = outcome.requests
    say(
        "calls",
        f"MONETA saw {requests.get('submit', 0)} submits for"
        f" {sum(case.attempts for case in CASES)} attempts, {requests.get('poll', 0)} polls"
        f" and {requests.get('profile_check', 0)} profile checks",
    )
    places, size = scan.found(directory, personal_values())
    if places:
        return [f"a personal value stands in clear in {place}" for place in places]
    say("privacy", f"no personal value found in {size:,} bytes of logs, stream and database")
    return []


def _fleet(directory: Path) -> Fleet:
    data = directory / "var"
    options = SandboxOptions(port=free_port(), delay=_TASK_TAKES, task_timeout=_TASK_EXPIRES_AFTER)
    broker = EmbeddedBroker(data / "broker")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
        **chosen.sandbox_providers(options),
        **chosen.sandbox_pace({}, options),
        "UPRID_SEAL_KEYS": new_key(),
        "UPRID_FINGERPRINT_KEY": new_key(),
        "UPRID_ENGINE__SLOT": "0.25",
        "UPRID_ENGINE__SWEEP_EVERY": "1",
        "REDIS_URL": broker.url,
        "DATABASE_URL": f"sqlite:///{data / 'uprid.sqlite3'}",
    }
    settings = load([Need.BROKER, Need.KEYS, Need.PROVIDER], environment)
    return Fleet(settings, environment, Sizes(), broker, options)


def _port(fleet: Fleet) -> int:
    return 0 if fleet.sandbox is None else fleet.sandbox.port


class _Console(Console):
    """A console whose reader may go: the run goes on, and stops everything in order."""

    def on_broken_pipe(self) -> None:
        """Write to nobody from now on; Rich itself would exit in the middle of anything."""
        with suppress(SystemExit):
            super().on_broken_pipe()


class _Speaker:
    """Says what happens, a line at a time, in what a word introduces."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, what: str, text: str) -> None:
        # Nobody may be listening any more, as after a hang-up: that must not keep it from stopping.
        with suppress(OSError):
            self._console.print(f"{what:10}{text}", markup=False, soft_wrap=True)
