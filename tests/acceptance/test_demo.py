"""`uprid demo` as a newcomer runs it. What it shows it also checks: its exit status says so."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.support.processes import Process, environment, running
from worker.oncall.demonstration.cases import CASES
from worker.oncall.demonstration.side import SIDES

pytestmark = pytest.mark.slow

_DEMO: Final = (sys.executable, "-m", "worker.oncall.cli", "demo")
_PATIENCE: Final = 110.0


@contextmanager
def demo(tmp_path: Path) -> Iterator[Process]:
    """Run the demo among settings of somebody else's, which must not reach it."""
    (tmp_path / "scratch").mkdir()
    settings = {
        "TMPDIR": str(tmp_path / "scratch"),
        "REDIS_URL": "redis://broker.example/0",
        "DATABASE_URL": "postgresql://database.example/uprid",
        "UPRID_MONETA__URL": "https://moneta.example/services",
        "UPRID_NONSENSE": "1",
    }
    with running(
        _DEMO, log=tmp_path / "demo.log", env=environment(settings), cwd=tmp_path
    ) as process:
        yield process


def test_demo_ends_well_and_shows_every_ending(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        assert process.wait(_PATIENCE) == 0, process.tail()
    said = process.output()
    for case in CASES:
        assert f"{case.reference:18}accepted → " in said
        assert f"{case.reference:18}over " not in said
    assert "26 submits for 26 attempts" in said
    for side in SIDES:
        assert f" s  {side.name}  {CASES[0].reference:18}succeeded" in said
    assert "no personal value found" in said
    assert "everything was as expected" in said
    # Into a file go plain lines: no colours, no table that moves.
    assert "\x1b" not in said
    assert not list((tmp_path / "scratch").iterdir())


def test_demo_stops_everything_and_ends_with_1_when_it_is_interrupted(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        process.wait_for_output(" s  JSON  ", _PATIENCE)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send(signal.SIGINT)
        assert process.wait(_PATIENCE) == 1
    assert "interrupted" in process.output()
    assert not [each for each in family if each.is_running()]
    assert not list((tmp_path / "scratch").iterdir())
