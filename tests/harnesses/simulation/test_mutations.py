"""The simulation is not blind: it notices every way in which the engine is broken on purpose."""

from pathlib import Path

import pytest

from tests.harnesses.simulation.__main__ import replay
from tests.harnesses.simulation.caught import CAUGHT
from tests.harnesses.simulation.left import LEFT
from tests.harnesses.simulation.mutations import MUTATIONS
from tests.harnesses.simulation.run import TESTED, simulate

_PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"


def test_every_mutation_has_been_caught() -> None:
    assert CAUGHT.keys() | LEFT.keys() >= MUTATIONS.keys()


@pytest.mark.parametrize("name", CAUGHT)
def test_mutation_is_seen(name: str) -> None:
    seed, invariant = CAUGHT[name]

    with MUTATIONS[name].applied():
        result = simulate(seed)

    assert result.invariant == invariant


def test_every_seed_that_sees_a_mutation_is_tested_where_nothing_is_broken() -> None:
    # test_simulation.py runs all of these.
    assert max(seed for seed, _ in CAUGHT.values()) < TESTED


def test_replay_prints_the_trace_of_a_seed_that_fails_up_to_what_is_broken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed, invariant = CAUGHT["forget-the-outbox"]

    with MUTATIONS["forget-the-outbox"].applied():
        assert replay(seed)

    lines = capsys.readouterr().out.splitlines()
    assert any("sends tasks." in line for line in lines)
    assert invariant in lines[-1]


@pytest.mark.parametrize("name", CAUGHT)
def test_page_says_which_seed_saw_the_mutation(name: str) -> None:
    row = MUTATIONS[name].row(name, *CAUGHT[name])

    assert row in _PAGE.read_text(encoding="utf-8")
