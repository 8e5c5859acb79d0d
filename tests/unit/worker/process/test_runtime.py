"""How a process waits for what it cannot do without."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from uprid_client.errors import DatabaseUnavailable
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


class _Closing:
    """A plugin of which only the end is looked at."""

    def __init__(self, *, fails: bool = False) -> None:
        self._fails = fails
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True
        if self._fails:
            message = "no good end"
            raise OSError(message)


def test_runtime_closes_every_plugin_although_one_fails() -> None:
    plugins = {"one": _Closing(), "two": _Closing(fails=True), "three": _Closing()}
    process = SimpleNamespace(plugins=plugins)

    with pytest.raises(OSError, match="no good end"):
        runtime.Runtime.close(cast("runtime.Runtime", process))

    assert [plugin.is_closed for plugin in plugins.values()] == [True, True, True]
