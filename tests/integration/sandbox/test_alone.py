"""The stand-ins in an environment of their own: their wheel and two libraries."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
import requests

from tests.support.processes.alone import install_alone

pytestmark = pytest.mark.slow

_ABSENT: Final = ("celery", "redis", "sqlalchemy", "zeep", "pydantic", "uprid_client", "worker")
_PROVIDERS: Final = ("moneta", "npd", "mandarin", "intellectmoney")
_LOOK: Final = """
import sys
from importlib.util import find_spec

print([name for name in sys.argv[1:] if find_spec(name) is not None])
"""


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    """The Python of an environment that has the stand-ins alone."""
    with TemporaryDirectory(prefix="uprid-sandbox-") as made:
        yield install_alone(Path(made), "sandbox", "lxml", "tornado")


@pytest.fixture
def address(python: Path) -> Iterator[str]:
    """The address of the stand-ins."""
    with subprocess.Popen(
        [python, "-m", "uprid_sandbox", "--port", "0"],
        cwd=python.parent,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()
        assert process.wait(60) == 0


def test_stand_ins_serve_all_providers_without_any_other_package(address: str) -> None:
    reset = requests.post(f"{address}/_sandbox/reset", json={}, timeout=60)
    counted = requests.get(f"{address}/_sandbox/requests", timeout=60).json()

    assert reset.status_code == 200
    assert set(counted) == set(_PROVIDERS)


def test_environment_has_none_of_our_other_packages(python: Path) -> None:
    found = subprocess.run(
        [python, "-c", _LOOK, *_ABSENT],
        cwd=python.parent,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == "[]"
