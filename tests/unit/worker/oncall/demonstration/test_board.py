import io

import pytest
from rich.console import Console

from worker.events.model import EventType
from worker.oncall.demonstration.board import LineBoard, Standing, TableBoard
from worker.oncall.demonstration.cases import CASES
from worker.oncall.demonstration.checks import Heard
from worker.oncall.demonstration.side import SIDES

_REFERENCE = CASES[0].reference


def _console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)


def _written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("standing", "shown"),
    [
        pytest.param(Standing("accepted", 1, 0), "accepted ", id="nothing yet"),
        pytest.param(Standing("polling", 1, 1), "polling, 1 poll ", id="first poll"),
        pytest.param(Standing("settling", 1, 12), "settling, 12 polls ", id="polls"),
        pytest.param(Standing("succeeded", 1, 3), "succeeded ", id="end"),
        pytest.param(Standing("polling", 2, 3), "polling, try 2 ", id="attempt"),
    ],
)
def test_table_shows_how_an_operation_stands_over_each_transport(
    standing: Standing, shown: str
) -> None:
    console = _console(terminal=True)
    with TableBoard(console) as board:
        board.show({SIDES[1]: {_REFERENCE: standing}})

    last = _written(console).rpartition("over SOAP")[2]
    row = next(line for line in last.splitlines() if line.startswith(_REFERENCE))
    assert row.split()[1] == "…"
    assert f" {shown}" in row


def test_lines_name_the_transport_of_what_ended_and_leave_out_what_goes_on() -> None:
    console = _console(terminal=False)
    with LineBoard(console) as board:
        for kind in (EventType.ACCEPTED, EventType.STARTED, EventType.SUCCEEDED):
            board.hear(SIDES[1], Heard(kind, kind.value, _REFERENCE, {}))

    heard = [line for line in _written(console).splitlines() if " s  " in line]
    assert len(heard) == 1
    assert heard[0].endswith(f"SOAP  {_REFERENCE:18}succeeded")
