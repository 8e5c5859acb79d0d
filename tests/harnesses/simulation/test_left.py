"""For each mistake that no seed notices, a test fails when the mistake is made."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.harnesses.simulation.caught import CAUGHT
from tests.harnesses.simulation.left import LEFT, command

_ROOT = Path(__file__).parents[3]
_PAGE = _ROOT / "docs" / "reliability.md"


def test_each_mistake_has_a_test_of_its_own() -> None:
    tests = [left.test for left in LEFT.values()]

    assert len(set(tests)) == len(tests)
    assert not LEFT.keys() & CAUGHT.keys()


def test_every_mistake_that_is_left_to_a_test_is_noticed_by_it() -> None:
    done = subprocess.run(
        command(), cwd=_ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert f"{len(LEFT)} passed" in done.stdout


@pytest.mark.parametrize("name", LEFT)
def test_page_says_which_test_notices(name: str) -> None:
    mutation, test = LEFT[name]

    assert mutation.row(name, f"`{test}`") in _PAGE.read_text(encoding="utf-8")
