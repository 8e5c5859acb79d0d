import io

import pytest
from rich.console import Console

from uprid_client.contract.events import EventType
from uprid_client.names import Provider
from worker.local.demo.board import WIDTH
from worker.local.demo.cases import PLAYS
from worker.local.demo.lines import LineBoard
from worker.local.demo.record import ReceivedEvent
from worker.local.demo.side import NAMES, SIDES


def _lines(*events: ReceivedEvent) -> tuple[list[str], list[str]]:
    """Return what is printed at first, and what of the events."""
    console = Console(file=io.StringIO(), width=120)
    with LineBoard(console) as board:
        for event in events:
            board.receive(SIDES[-1], event)
    assert isinstance(console.file, io.StringIO)
    written = console.file.getvalue().splitlines()
    heard = [line for line in written if " s  " in line]
    return [line for line in written if line not in heard], heard


@pytest.mark.parametrize("provider", PLAYS)
def test_lines_begin_with_what_is_to_come_by_provider(provider: Provider) -> None:
    first, _ = _lines()
    place = first.index(NAMES[provider])
    for case, line in zip(PLAYS[provider].cases, first[place + 1 :], strict=False):
        assert line == f"  {case.reference:{WIDTH}}{case.what}"


@pytest.mark.parametrize(
    ("reference", "where"),
    [
        pytest.param("stored-data", "MONETA/SOAP", id="two languages"),
        pytest.param("no-code", "Mandarin", id="one language"),
        pytest.param("nobody's", "SOAP", id="stranger"),
    ],
)
def test_lines_name_where_something_ended_and_leave_out_what_goes_on(
    reference: str, where: str
) -> None:
    kinds = (EventType.ACCEPTED, EventType.STARTED, EventType.SUCCEEDED)

    _, heard = _lines(*(ReceivedEvent(kind, kind.value, reference, {}) for kind in kinds))

    [line] = heard
    assert line.endswith(f" s  {where:16}{reference:{WIDTH}}succeeded")
