"""Showing operations while they live: a table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from worker.events.model import EventType
from worker.oncall.demonstration.cases import CASES
from worker.oncall.demonstration.checks import Heard
from worker.oncall.demonstration.side import SIDES, Side
from worker.operations.states import DRIVEN, State

_COLOURS: Final = {
    State.SUCCEEDED: "green",
    State.REJECTED: "red",
    State.FAILED: "red",
    State.EXPIRED: "red",
    State.WAITING_FOR_PERSON: "yellow",
}

_ON_THE_WAY: Final = frozenset({EventType.ACCEPTED, EventType.STARTED})


@dataclass(frozen=True, slots=True)
class Standing:
    """How an operation stands in the database."""

    state: str
    attempt: int
    polls: int


#: By side and reference.
Standings = Mapping[Side, Mapping[str, Standing]]


class Board(Protocol):
    """Where a run can be watched. A context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def hear(self, side: Side, event: Heard) -> None:
        """Show an event that has come."""

    def show(self, standings: Standings) -> None:
        """Show how the operations stand."""


def board(console: Console) -> Board:
    """Return the board that fits where the console leads to."""
    return TableBoard(console) if console.is_terminal else LineBoard(console)


class TableBoard:
    """A table that changes in place, for a terminal."""

    def __init__(self, console: Console) -> None:
        self._live = Live(self._table({}), console=console, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def hear(self, side: Side, event: Heard) -> None:
        """Show nothing: the state tells it."""

    def show(self, standings: Standings) -> None:
        """Draw the table anew."""
        self._live.update(self._table(standings))

    @staticmethod
    def _table(standings: Standings) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("reference", no_wrap=True, min_width=max(len(c.reference) for c in CASES))
        for side in SIDES:
            table.add_column(
                f"over {side.name}", no_wrap=True, min_width=max(len(state) for state in State)
            )
        table.add_column("what happens, and what is made of it", style="dim", no_wrap=True, ratio=1)
        for case in CASES:
            stands = [standings.get(side, {}).get(case.reference) for side in SIDES]
            table.add_row(case.reference, *(_cell(each) for each in stands), case.what)
        return table


def _cell(standing: Standing | None) -> str:
    """Return how an operation stands, and what moves: its polls, and its attempts."""
    if standing is None:
        return "…"
    state = State(standing.state)
    shown = standing.state
    if standing.attempt > 1:
        shown += f", try {standing.attempt}"
    elif state in DRIVEN and standing.polls:
        shown += f", {standing.polls} polls" if standing.polls > 1 else ", 1 poll"
    return f"[{_COLOURS.get(state, 'cyan')}]{shown}[/]"


class LineBoard:
    """A line for each end, for a file or a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        for case in CASES:
            self._line(f"{case.reference:18}{case.what}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """There is nothing to take down."""

    def hear(self, side: Side, event: Heard) -> None:
        """Print the event, unless more is to come of its operation."""
        if event.type not in _ON_THE_WAY:
            passed = time.monotonic() - self._began
            self._line(f"{passed:5.1f} s  {side.name}  {event.subject:18}{describe(event)}")

    def show(self, standings: Standings) -> None:
        """Print nothing: the events tell it."""

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def describe(event: Heard) -> str:
    """Return an event in a few words."""
    reason, result = event.data.get("reason"), event.data.get("result")
    fields = event.data.get("fields")
    if fields:
        return f"{event.verb} ({', '.join(fields)})"
    if isinstance(reason, Mapping):
        code = reason.get("provider_code")
        return f"{event.verb} ({reason.get('code')}{f', {code}' if code else ''})"
    if isinstance(result, Mapping) and result.get("verified_by"):
        return f"{event.verb} (by {result['verified_by']})"
    return event.verb
