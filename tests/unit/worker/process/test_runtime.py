"""How a process waits for what it cannot do without."""

from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from worker.domain.errors import DatabaseUnavailable
from worker.process import runtime
from worker.store.database import Database


def test_database_that_is_awaited_is_said_once_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    def away(_database: object) -> None:
        looks.append("away" if len(looks) < 3 else "refusing")
        raise DatabaseUnavailable(looks[-1])

    monkeypatch.setattr(runtime, "require_usable", away)
    monkeypatch.setattr(runtime, "_LOOK_AGAIN", 0.0)

    with capture_logs() as logged:
        ready = runtime._database_ready(cast("Database", None), lambda: len(looks) >= 6)

    said: list[Any] = [line["error"] for line in logged if line["event"] == "database_awaited"]
    assert not ready
    assert len(looks) == 6
    assert len(said) == 2
    assert "refusing" in said[1]
