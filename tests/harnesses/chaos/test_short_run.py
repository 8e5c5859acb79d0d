"""A short run of the chaos. `./run chaos` does the long ones."""

from pathlib import Path

import pytest

from tests.harnesses.chaos.plan import MAIN, MAIN_KILLS, Pace
from tests.harnesses.chaos.report import lines
from tests.harnesses.chaos.run import Order, run

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

#: The plan of this seed is always the same. What the faults hit is not.
_ORDER = Order(
    seed=1,
    seconds=40,
    rate=5,
    pace=Pace(kills=10, others=2.5, calm=4, lasting=(2.0, 3.0)),
    kills=MAIN_KILLS,
    faults=MAIN,
    events_apart=True,
)


@pytest.mark.exhaustive
def test_short_run_loses_nothing_and_tells_and_bills_nothing_twice(tmp_path: Path) -> None:
    outcome = run(_ORDER, say=print, directory=tmp_path)

    assert outcome.passed, "\n".join(lines(outcome))
    assert {*MAIN, *MAIN_KILLS} <= outcome.faults.keys()
    # A run without any work would pass, too.
    assert outcome.operations >= 150
    assert outcome.interim
