"""Every kind of fault that the simulation names happens in the seeds of a test run.

`test_simulation` proves it as it runs the seeds.
"""

from tests.harnesses.simulation import refusals
from tests.harnesses.simulation.happened import HAPPENS
from tests.harnesses.simulation.run import TESTED


def test_every_class_of_the_drivers_errors_is_among_them() -> None:
    assert {f"statement fails: {kind}" for kind in refusals.KINDS} <= HAPPENS.keys()


def test_every_one_happens_in_a_seed_that_every_run_of_the_tests_goes_through() -> None:
    assert max(HAPPENS.values()) < TESTED
