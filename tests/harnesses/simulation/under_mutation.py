"""A pytest plugin: each test of left.py runs with its mistake made, and must fail.

python -m pytest -p tests.harnesses.simulation.under_mutation TEST…

A test that fails is reported as passed, and one that passes as failed. An error in the set-up stays
an error, because it would happen with every mistake.
"""

from collections.abc import Generator

import pytest

from tests.harnesses.simulation.breaking import Mutation
from tests.harnesses.simulation.left import LEFT

_BY_TEST = {left.test: (name, left.mutation) for name, left in LEFT.items()}


def _of(item: pytest.Item) -> tuple[str, Mutation] | None:
    return _BY_TEST.get(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Make the mistake during its test, with set-up and tear-down."""
    found = _of(item)
    if found is None:
        return (yield)
    with found[1].applied():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Exchange passed and failed."""
    report = yield
    found = _of(item)
    if found is not None and call.when == "call":
        noticed = report.failed
        report.outcome = "passed" if noticed else "failed"
        report.longrepr = None if noticed else f"the test did not notice {found[0]}"
    return report
