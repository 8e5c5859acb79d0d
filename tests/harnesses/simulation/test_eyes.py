"""The simulation notices what only its database can show: races, and lost commits."""

from typing import Any

import pytest
from sqlalchemy import Select

from tests.harnesses.simulation.run import simulate
from worker.store import fail_over


def test_store_that_locks_no_row_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    locks = Select.with_for_update

    def passes_over_locks_only(wanted: Select[tuple[str]], **how: Any) -> Select[tuple[str]]:
        return locks(wanted, **how) if how.get("skip_locked") else wanted

    monkeypatch.setattr(Select, "with_for_update", passes_over_locks_only)

    result = simulate(11)

    # The same code came twice at the same moment.
    assert "UNIQUE constraint failed: input" in result.detail


def test_fail_over_after_which_nobody_recovers_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fail_over, "recover", lambda *_: {})

    assert simulate(47).invariant == "a billed call is made once"
