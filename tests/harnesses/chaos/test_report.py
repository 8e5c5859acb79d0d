"""The report names what was broken, and a run with a finding has not passed."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.harnesses.chaos.fleet import Stop
from tests.harnesses.chaos.ledger import Finding, Kind
from tests.harnesses.chaos.plan import Fault
from tests.harnesses.chaos.rates import Back
from tests.harnesses.chaos.report import Outcome, lines
from tests.harnesses.chaos.watch import Gap
from uprid_client.names import Provider

_WELL = Outcome(
    seed=7,
    seconds=600.0,
    operations=5_700,
    messages=9_000,
    not_taken=12,
    events=20_000,
    deliveries=21_000,
    interruptions=9,
    faults=Counter({Fault.KILL_WORKER: 30, Fault.STOP_POLLER: 35, Fault.FLUSH: 2}),
    ends={"succeeded": 5_700},
    findings=(),
    gap=Gap(4.2, 100.0, Fault.FLUSH.value),
)


def written(outcome: Outcome) -> str:
    return "\n".join(lines(outcome))


def test_report_tells_kills_from_other_faults() -> None:
    assert "process kills         65" in written(_WELL)
    assert "other faults          2" in written(_WELL)


def test_report_says_that_every_promise_held() -> None:
    assert _WELL.passed
    assert written(_WELL).endswith("\nevery promise was kept")


def test_report_tells_clean_stops_from_forced_ones() -> None:
    stopped = replace(
        _WELL, stops=[Stop(2.0, forced=False), Stop(4.5, forced=False), Stop(13.0, forced=True)]
    )

    assert "slowest clean stop    4.5 s of 2" in written(stopped)
    assert "forced stops          1," in written(stopped)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (Kind.LOST, "lost                  1"),
        (Kind.UNTOLD, "lost                  1"),
        (Kind.DOUBLED, "doubled ends          1"),
        (Kind.REPEATED, "repeated calls        1"),
        (Kind.MISBEHAVED, "! misbehaved   order-1: why"),
    ],
)
def test_report_counts_and_spells_out_what_was_found(kind: Kind, line: str) -> None:
    broken = replace(_WELL, findings=(Finding(kind, "order-1", "why"),))

    assert not broken.passed
    assert line in written(broken)
    assert "NOT every promise was kept" in written(broken)


def test_report_spells_out_the_first_of_many() -> None:
    findings = tuple(Finding(Kind.LOST, f"order-{n}", "why") for n in range(100))

    assert "lost         … and 92 more" in written(replace(_WELL, findings=findings))


@pytest.mark.parametrize(
    ("seen", "is_stampede"),
    [
        pytest.param([(0.0, 0), (2.0, 0), (2.5, 9), (3.0, 20), (3.6, 90)], False, id="at-its-rate"),
        pytest.param([(0.0, 0), (2.0, 0), (2.5, 30), (3.0, 39), (3.6, 90)], True, id="at-once"),
        pytest.param([(0.0, 0), (5.0, 0)], False, id="nothing"),
    ],
)
def test_provider_that_comes_back_is_met_at_its_rate(
    seen: list[tuple[float, int]], is_stampede: bool
) -> None:
    assert Back(Provider.MONETA, 20.0, seen).is_stampede is is_stampede
