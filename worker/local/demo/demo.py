"""The whole worker against the sandbox, from the first message to the last event."""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from uprid_client import Client
from uprid_client.errors import UpridError
from uprid_client.names import Provider
from worker.cli.exits import FAILED, MISUSED, Stop, explained
from worker.local.demo import checks, counting, report
from worker.local.demo.board import Board
from worker.local.demo.counting import Counters
from worker.local.demo.environments import fleets
from worker.local.demo.lines import LineBoard
from worker.local.demo.mail import Mail
from worker.local.demo.record import Record
from worker.local.demo.run import Run, watch
from worker.local.demo.side import NAMES, Side
from worker.local.demo.table import TableBoard
from worker.local.demo.webapp import WebApp
from worker.local.embedded import NoEmbeddedBroker
from worker.local.fleet import Fleet, grace
from worker.local.processes import Keeper, Stage
from worker.local.stop_signals import StopRequests
from worker.store.database import Database

#: Seconds.
_PATIENCE: Final = 120.0


class Interrupted(UpridError):
    """The demo was interrupted before everything had ended."""


@dataclass(slots=True)
class Outcome:
    """The result of a run."""

    records: dict[Side, Record] = field(default_factory=dict)
    #: What the sandbox counted.
    counted: Mapping[Provider, Counters] = field(default_factory=dict)
    #: Which accounts came with notifications.
    accounts: set[str] = field(default_factory=set, repr=False)
    errors: list[str] = field(default_factory=list)


def demo(*, keep: bool) -> None:
    """Run identifications and registries of all providers here, against the sandbox.

    `keep`: keep the logs and the databases afterwards.
    """
    console = _Console(highlight=False)
    began = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="uprid-demo-"))
    say = _Speaker(console)
    try:
        outcome = _play(directory, console, say)
        errors = outcome.errors + _report(outcome, directory, say)
        lines = [f"not as expected: {error}" for error in errors]
    except (Interrupted, NoEmbeddedBroker) as error:
        shutil.rmtree(directory, ignore_errors=True)
        status = FAILED if isinstance(error, Interrupted) else MISUSED
        raise Stop(status, [str(error)]) from None
    except UpridError as error:
        lines = [explained(error)]
    if lines:
        raise Stop(FAILED, [*lines, f"its logs and its databases: {directory}"])
    took = time.monotonic() - began
    say("done", f"everything was as expected, at {', '.join(NAMES.values())}, in {took:.0f} s")
    if keep:
        say("kept", str(directory))
    else:
        shutil.rmtree(directory, ignore_errors=True)


def _play(directory: Path, console: Console, say: "_Speaker") -> Outcome:
    """Start everything, send, watch, read back, stop everything.

    Raises `Interrupted`, and what starting raises.
    """
    data = directory / "var"
    with StopRequests() as stop, WebApp() as webapp, ExitStack() as stack:
        environments = fleets(data, webapp.url)
        longest = max(grace(fleet.settings) for fleet in environments.values())
        keeper = stack.enter_context(
            Keeper(directory, data / "log", grace=longest, hurried=stop.hurried, say=say)
        )
        say(
            "starting",
            "a broker, stand-ins for all providers and real workers: MONETA's in JSON and in SOAP",
        )
        if not _start(environments, keeper, say, stop):
            raise Interrupted
        mail = Mail(webapp.taken)
        with board(console) as shown:
            runs = [
                _run(side, fleet, mail, shown, say, stack) for side, fleet in environments.items()
            ]
            errors = _sent_and_watched(runs, shown, say, stop)
        # Before the events are read: every stored event is published now.
        keeper.stop(Stage.WORK)
        for run in runs:
            run.read_back()
        counted = counting.calls(_port(environments))
    records = {run.side: run.record for run in runs}
    errors += [
        f"over {side.name}: {error}"
        for side, record in records.items()
        for error in checks.errors_of_record(record, side)
    ]
    errors += counting.errors_of_calls(counted)
    return Outcome(records, counted, mail.accounts, errors)


def _start(
    environments: Mapping[Side, Fleet], keeper: Keeper, say: "_Speaker", stop: StopRequests
) -> bool:
    """Start both environments side by side; False if a stop was asked for."""
    for number, fleet in enumerate(environments.values()):
        fleet.prepare(keeper, _quiet if number else say, stopped=stop.asked)
    if stop.asked():
        return False
    begun = [(fleet, fleet.begin(keeper)) for fleet in environments.values()]
    if not all(fleet.wait(keeper, working, stopped=stop.asked) for fleet, working in begun):
        return False
    say("running", ", ".join(child.name for child in keeper.children))
    return True


def board(console: Console) -> Board:
    """Return the board that fits where the console leads to."""
    return TableBoard(console) if console.is_terminal else LineBoard(console)


def _run(
    side: Side,
    fleet: Fleet,
    mail: Mail,
    shown: Board,
    say: Callable[[str, str], None],
    stack: ExitStack,
) -> Run:
    settings = fleet.settings
    database = Database(settings.database_url, connections=2)
    stack.callback(database.dispose)
    client = Client(settings.broker_url, [key.get_secret_value() for key in settings.seal_keys])
    stack.callback(client.close)
    # All sides send MONETA the same: the one that asks the others too says it.
    is_npds = Provider.NPD in side.providers
    return Run(side, client, database, mail if is_npds else None, shown, say if is_npds else _quiet)


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
    """Print events, counted calls and the search for personal values; return the errors."""
    report.report_events(outcome.records, say)
    report.report_calls(outcome.counted, say)
    return report.report_privacy(directory, outcome.accounts, say)


def _port(environments: Mapping[Side, Fleet]) -> int:
    return next(fleet.sandbox.port for fleet in environments.values() if fleet.sandbox is not None)


def _quiet(_what: str, _text: str) -> None:
    """Say nothing."""


class _Console(Console):
    """A console whose reader may go: the run goes on, and stops everything in order."""

    def on_broken_pipe(self) -> None:
        """Print nothing from now on; Rich itself would exit at once."""
        with suppress(SystemExit):
            super().on_broken_pipe()


class _Speaker:
    """Prints what happens, a line at a time, each introduced by a word."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, what: str, text: str) -> None:
        # The terminal may be gone, as after a hang-up: that must not keep the demo from stopping.
        with suppress(OSError):
            self._console.print(f"{what:10}{text}", markup=False, soft_wrap=True)
