"""The board for a file or a pipe: a line for each end."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console

from uprid_client.contract.events import EventType
from worker.local.demo.board import WIDTH, ShownStates
from worker.local.demo.cases import PLAYS, PROVIDER_OF
from worker.local.demo.record import ReceivedEvent
from worker.local.demo.side import NAMES, Side
from worker.local.demo.words import describe

_ON_THE_WAY: Final = frozenset({EventType.ACCEPTED, EventType.STARTED})
_WHERE: Final = max(len(name) for name in NAMES.values()) + 2


class LineBoard:
    """Prints what is expected, and then every important event."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        for provider, play in PLAYS.items():
            self._line(NAMES[provider])
            for case in play.cases:
                self._line(f"  {case.reference:{WIDTH}}{case.what}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """There is nothing to take down."""

    def receive(self, side: Side, event: ReceivedEvent) -> None:
        """Print the event, unless more is to come of its operation by itself."""
        if event.type not in _ON_THE_WAY:
            passed = time.monotonic() - self._began
            provider = PROVIDER_OF.get(event.subject)
            where = side.name if provider is None else side.where(provider)
            self._line(f"{passed:5.1f} s  {where:{_WHERE}}{event.subject:{WIDTH}}{describe(event)}")

    def show(self, states: ShownStates) -> None:
        """Print nothing: events are printed instead."""

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
