"""The board for a terminal: a table that changes in place."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Final, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table

from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.states import DRIVEN
from worker.local.demo.board import WIDTH, ShownState, ShownStates
from worker.local.demo.cases import PLAYS
from worker.local.demo.cases.shape import Case
from worker.local.demo.record import ReceivedEvent
from worker.local.demo.side import NAMES, SIDES, Side

_COLOURS: Final = {
    State.SUCCEEDED: "green",
    State.REJECTED: "red",
    State.FAILED: "red",
    State.EXPIRED: "red",
    State.WAITING_FOR_PERSON: "yellow",
}
#: Characters of the longest state.
_STATE: Final = max(len(state) for state in State)


class TableBoard:
    """All operations, by provider; where they are too many for the terminal, those that live."""

    def __init__(self, console: Console) -> None:
        self._live = Live(_Picture({}), console=console, refresh_per_second=8)
        self._last: ShownStates = {}

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What stays on the screen may be as long as it likes.
        self._live.update(_Picture(self._last, whole=True))
        self._live.stop()

    def receive(self, side: Side, event: ReceivedEvent) -> None:
        """Show nothing: the table shows the state."""

    def show(self, states: ShownStates) -> None:
        """Draw the table anew."""
        self._last = states
        self._live.update(_Picture(states))


class _Picture:
    """One look at the operations, as large as the terminal is at that moment."""

    def __init__(self, states: ShownStates, *, whole: bool = False) -> None:
        self._states = states
        self._whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = 1 + sum(1 + len(play.cases) for play in PLAYS.values())
        yield self._table(folded=not self._whole and rows > console.size.height - 1)

    def _table(self, *, folded: bool) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("", no_wrap=True, min_width=WIDTH)
        for side in SIDES:
            table.add_column(f"over {side.name}", no_wrap=True, min_width=_STATE)
        table.add_column("what happens", style="dim", no_wrap=True, ratio=1)
        for provider, play in PLAYS.items():
            shown = [c for c in play.cases if not (folded and self._is_over(provider, c))]
            ended = len(play.cases) - len(shown)
            table.add_row(f"[bold]{NAMES[provider]}[/]", *[""] * len(SIDES), _note(ended))
            for case in shown:
                table.add_row(f"  {case.reference}", *self._cells(provider, case), case.what)
        return table

    def _cells(self, provider: Provider, case: Case) -> Iterator[str]:
        for side in SIDES:
            asked = provider in side.providers
            yield _cell(self._of(side).get(case.reference)) if asked else ""

    def _is_over(self, provider: Provider, case: Case) -> bool:
        stand = [self._of(s).get(case.reference) for s in SIDES if provider in s.providers]
        return all(each is not None and State(each.state) not in DRIVEN for each in stand)

    def _of(self, side: Side) -> Mapping[str, ShownState]:
        return self._states.get(side, {})


def _note(ended: int) -> str:
    return f"{ended} more have ended" if ended else ""


def _cell(operation: ShownState | None) -> str:
    """Return an operation's state, and what changes in it: its polls, and its attempts."""
    if operation is None:
        return "…"
    state = State(operation.state)
    shown = operation.state
    if operation.attempt > 1:
        shown += f", try {operation.attempt}"
    elif state in DRIVEN and operation.polls:
        shown += f", {operation.polls} polls" if operation.polls > 1 else ", 1 poll"
    return f"[{_COLOURS.get(state, 'cyan')}]{shown}[/]"
