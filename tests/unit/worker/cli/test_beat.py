"""How `uprid beat` ends."""

import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from celery import Celery
from celery.beat import Service

from worker.cli.roles import Beat


@pytest.fixture(autouse=True)
def _usual_signals() -> Iterator[None]:
    usual = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in usual.items():
        signal.signal(each, handler)


def test_beat_whose_stop_gets_lost_in_its_work_ends_after_it(tmp_path: Path) -> None:
    app = Celery("beat", broker="memory://", set_as_current=False)
    beat = Beat(app=app, schedule=str(tmp_path / "schedule"))
    service = Service(app, schedule_filename=str(tmp_path / "schedule"))
    beat.install_sync_handler(service)
    ticks: list[object] = []

    def tick() -> float:
        with suppress(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        # As Celery's own does at its beginning.
        ticks.append(service.scheduler.schedule)
        return 0.0

    service.scheduler.tick = tick

    service.start()

    assert len(ticks) == 1


class Connection:
    """Something that is stopped while Python clears it away."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def test_beat_prints_no_traceback_where_its_stop_gets_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: printed.append(lost.exc_type))
    app = Celery("beat", broker="memory://", set_as_current=False)
    beat = Beat(app=app, schedule=str(tmp_path / "schedule"))
    service = Service(app, schedule_filename=str(tmp_path / "schedule"))
    beat.install_sync_handler(service)

    held = [Connection()]
    held.clear()

    assert service._is_shutdown.is_set()
    assert printed == []
