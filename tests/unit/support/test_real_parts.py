import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.child import environment
from tests.support.servers.real_parts import program

_ROOT = Path(__file__).parents[3]


def test_program_of_this_machine_is_found() -> None:
    assert program("sh").name == "sh"


def test_missing_program_skips_and_names_its_package() -> None:
    with pytest.raises(pytest.skip.Exception, match="apt-get install some-package"):
        program("no-such-program", "some-package")


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_skip_fails_in_ci_alone(tmp_path: Path, ci: str, status: int) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_makereport\n")
    (tmp_path / "test_skips.py").write_text(
        "import pytest\n\n\ndef test_without_its_part():\n    pytest.skip('nothing brings it')\n"
    )

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:valkey", "-q", tmp_path],
        env={**environment(), "CI": ci, "PYTHONPATH": str(_ROOT), "PYTEST_ADDOPTS": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == status, ran.stdout + ran.stderr
    assert ("CI may skip nothing" in ran.stdout) is (status == 1)
