"""`uprid demo`: the whole worker against the sandbox, from the first message to the last event."""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from worker.client import Client
from worker.errors import UpridError
from worker.oncall.demonstration import checks, report
from worker.oncall.demonstration.board import Board, board
from worker.oncall.demonstration.checks import Record
from worker.oncall.demonstration.halves import fleets
from worker.oncall.demonstration.run import Run, calls, watch
from worker.oncall.demonstration.side import Side
from worker.oncall.fleet import Fleet, grace
from worker.oncall.processes import Keeper, Stage
from worker.oncall.stop import FAILED, Stop, explained
from worker.oncall.stopping import StopRequests
from worker.operations.database import Database

#: Seconds.
_PATIENCE: Final = 120.0


class Interrupted(UpridError):
    """The demo was interrupted before everything had ended."""


@dataclass(slots=True)
class Outcome:
    """What a run brought to light."""

    records: dict[Side, Record] = field(default_factory=dict)
    #: What the sandbox counted at MONETA.
    counted: Mapping[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the logs and the databases afterwards.")
    ] = False,
) -> None:
    """Run identifications over JSON and over SOAP, on this machine and against the sandbox."""
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
        raise Stop(FAILED, [*lines, f"its logs and its databases: {directory}"])
    took = time.monotonic() - began
    say("done", f"everything was as expected, over JSON and over SOAP, in {took:.0f} s")
    if keep:
        say("kept", str(directory))
    else:
        shutil.rmtree(directory, ignore_errors=True)


def _play(directory: Path, console: Console, say: "_Speaker") -> Outcome:
    """Start everything, send, watch, read back, stop everything.

    Raises `Interrupted`, and what starting raises.
    """
    data = directory / "var"
    halves = fleets(data)
    longest = max(grace(fleet.settings) for fleet in halves.values())
    with (
        StopRequests() as stop,
        Keeper(directory, data / "log", grace=longest, hurried=stop.hurried, say=say) as keeper,
        ExitStack() as stack,
    ):
        say(
            "starting",
            "a broker, a stand-in for MONETA and real workers: half speak JSON, half SOAP",
        )
        if not _start(halves, keeper, say, stop):
            raise Interrupted
        with board(console) as shown:
            runs = [
                # Both send the same: one of them says it.
                _run(side, fleet, shown, _quiet if number else say, stack)
                for number, (side, fleet) in enumerate(halves.items())
            ]
            faults = _sent_and_watched(runs, shown, say, stop)
        # Before the events are read: whatever is still to be told is told now.
        keeper.stop(Stage.WORK)
        for run in runs:
            run.read_back()
        counted = calls(_port(halves))
    records = {run.side: run.record for run in runs}
    faults += [
        f"over {side.name}: {fault}"
        for side, record in records.items()
        for fault in checks.faults_of_record(record)
    ]
    return Outcome(records, counted, faults + checks.faults_of_calls(counted["units"]))


def _start(
    halves: Mapping[Side, Fleet], keeper: Keeper, say: "_Speaker", stop: StopRequests
) -> bool:
    """Start both halves side by side; False if a stop was asked for."""
    for number, fleet in enumerate(halves.values()):
        fleet.prepare(keeper, _quiet if number else say, stopped=stop.asked)
    if stop.asked():
        return False
    begun = [(fleet, fleet.begin(keeper)) for fleet in halves.values()]
    if not all(fleet.wait(keeper, working, stopped=stop.asked) for fleet, working in begun):
        return False
    say("running", ", ".join(child.name for child in keeper.children))
    return True


def _run(
    side: Side, fleet: Fleet, shown: Board, say: Callable[[str, str], None], stack: ExitStack
) -> Run:
    settings = fleet.settings
    database = Database(settings.database_url, connections=2)
    stack.callback(database.dispose)
    client = Client(settings.broker_url, [key.get_secret_value() for key in settings.seal_keys])
    stack.callback(client.close)
    return Run(side, client, database, shown, say)


def _sent_and_watched(
    runs: Sequence[Run], shown: Board, say: "_Speaker", stop: StopRequests
) -> list[str]:
    began = time.monotonic()
    sent = sum(run.send() for run in runs)
    ended = watch(runs, shown, _PATIENCE, stopped=stop.asked)
    if stop.asked():
        raise Interrupted
    took = time.monotonic() - began
    if not ended:
        return [f"not all of it ended within {took:.0f} s"]
    say("ended", f"{sent} messages and their follow-ups, in {took:.1f} s")
    return []


def _report(outcome: Outcome, directory: Path, say: "_Speaker") -> list[str]:
    """Print what was read back, counted and looked for; return what must not be."""
    report.tell_events(outcome.records, say)
    report.tell_calls(outcome.counted, say)
    return report.tell_privacy(directory, say)


def _port(halves: Mapping[Side, Fleet]) -> int:
    return next(fleet.sandbox.port for fleet in halves.values() if fleet.sandbox is not None)


def _quiet(_what: str, _text: str) -> None:
    """Say nothing."""


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
