"""`uprid demo` as a newcomer runs it. What it shows it also checks: its exit status says so."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.support.processes.child import Process, running
from tests.support.processes.shipped import environment, local_programs
from uprid_client.names import Provider
from worker.local.demo.board import WIDTH
from worker.local.demo.cases import PLAYS
from worker.local.demo.side import NAMES, SIDES

pytestmark = pytest.mark.slow

_PATIENCE: Final = 110.0


@contextmanager
def demo(tmp_path: Path) -> Iterator[Process]:
    """Run the demo among settings of another program, which must not reach it."""
    (tmp_path / "scratch").mkdir()
    settings = {
        "TMPDIR": str(tmp_path / "scratch"),
        "REDIS_URL": "redis://broker.example/0",
        "DATABASE_URL": "postgresql://database.example/uprid",
        "UPRID_MONETA__URL": "https://moneta.example/services",
        "UPRID_NONSENSE": "1",
    }
    env = environment(settings, local_programs())
    with running(["uprid", "demo"], log=tmp_path / "demo.log", env=env, cwd=tmp_path) as process:
        yield process


def test_demo_ends_well_and_shows_every_ending(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        assert process.wait(_PATIENCE) == 0, process.tail()
    said = process.output()
    for case in (case for play in PLAYS.values() for case in play.cases):
        assert f"  {case.reference:{WIDTH}}accepted → " in said
        assert f"  {case.reference:{WIDTH}}over " not in said
    assert "MONETA saw 26 submits for 26 wanted" in said
    assert "Mandarin saw 5 starts for 5 wanted, 7 codes for 7 wanted" in said
    assert "5 starts for 5 wanted\n" in said
    assert "IntellectMoney saw 4 writes for 4 wanted" in said
    first = PLAYS[Provider.MONETA].cases[0].reference
    for side in SIDES:
        where = f" s  {side.where(Provider.MONETA):16}"
        assert f"{where}{first:{WIDTH}}succeeded" in said
    for name in NAMES.values():
        assert f"\n          {name}\n" in said
    assert re.search(r"privacy   none of \d+ personal values found", said)
    assert "everything was as expected" in said
    # Into a file go plain lines: no colours, no table that moves.
    assert "\x1b" not in said
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.exhaustive
def test_demo_stops_everything_and_ends_with_1_when_it_is_interrupted(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        process.wait_for_output(" s  MONETA/JSON", _PATIENCE)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send(signal.SIGINT)
        assert process.wait(_PATIENCE) == 1
    assert "interrupted" in process.output()
    assert not [each for each in family if each.is_running()]
    assert not list((tmp_path / "scratch").iterdir())
