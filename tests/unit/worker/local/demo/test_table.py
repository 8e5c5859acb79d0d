import io

import pytest
from rich.console import Console

from uprid_client.names import Provider
from worker.local.demo.board import WIDTH, ShownState, ShownStates
from worker.local.demo.cases import PLAYS
from worker.local.demo.side import NAMES, SIDES
from worker.local.demo.table import TableBoard

_ENOUGH = 60


def _drawn(states: ShownStates, *, height: int = _ENOUGH, width: int = 120) -> list[str]:
    """Return the table as it is drawn while it lives."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None
    )
    board = TableBoard(console)
    board.show(states)
    with console.capture() as captured:
        console.print(board._live.renderable)
    return captured.get().splitlines()


def _row(lines: list[str], reference: str) -> str:
    return next(line for line in lines if line.split()[:1] == [reference])


@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        pytest.param(ShownState("accepted", 1, 0), "accepted ", id="nothing yet"),
        pytest.param(ShownState("polling", 1, 1), "polling, 1 poll ", id="first poll"),
        pytest.param(ShownState("settling", 1, 12), "settling, 12 polls ", id="polls"),
        pytest.param(ShownState("succeeded", 1, 3), "succeeded ", id="end"),
        pytest.param(ShownState("polling", 2, 3), "polling, try 2 ", id="attempt"),
    ],
)
def test_table_shows_how_an_operation_stands_over_each_transport(
    operation: ShownState, shown: str
) -> None:
    reference = PLAYS[Provider.MONETA].cases[0].reference

    row = _row(_drawn({SIDES[1]: {reference: operation}}), reference)

    assert row.split()[1] == "…"
    assert f" {shown}" in row


def test_table_has_one_column_of_a_provider_that_speaks_one_language() -> None:
    reference = PLAYS[Provider.MANDARIN].cases[0].reference

    row = _row(_drawn({SIDES[0]: {reference: ShownState("polling", 1, 2)}}), reference)

    assert "polling, 2 polls" in row
    assert "…" not in row.split()


def test_table_cuts_nothing_off_where_the_terminal_has_120_columns() -> None:
    waiting = ShownState("waiting_for_person", 1, 7)
    references = {reference for play in PLAYS.values() for reference in play.references}

    lines = _drawn({side: dict.fromkeys(references, waiting) for side in SIDES})

    for play in PLAYS.values():
        for case in play.cases:
            assert len(case.reference) <= WIDTH - 2
            assert _row(lines, case.reference).rstrip().endswith(case.what)
    assert not [line for line in lines if "…" in line]


def test_table_leaves_out_what_has_ended_where_the_terminal_is_low() -> None:
    ended, alive = PLAYS[Provider.NPD].cases[:2]
    states = {
        SIDES[0]: {
            ended.reference: ShownState("succeeded", 1, 1),
            alive.reference: ShownState("polling", 1, 1),
        }
    }

    low = _drawn(states, height=24)

    assert not [line for line in low if ended.reference in line]
    assert _row(low, alive.reference)
    assert "1 more have ended" in _row(low, NAMES[Provider.NPD])
    assert _row(_drawn(states), ended.reference)


def test_table_is_left_whole_on_the_screen() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=24)
    case = PLAYS[Provider.MONETA].cases[0]
    with TableBoard(console) as board:
        board.show({side: {case.reference: ShownState("succeeded", 1, 1)} for side in SIDES})

    assert isinstance(console.file, io.StringIO)
    last = console.file.getvalue().rpartition("over SOAP")[2]
    assert case.reference in last
    assert PLAYS[Provider.INTELLECTMONEY].cases[-1].reference in last
