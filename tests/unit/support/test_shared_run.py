"""What `./run test` runs, what `./run test --all` adds, and who runs it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.processes.child import environment
from tests.support.suite.shared_run import LONGEST, share_of

_ROOT: Final = Path(__file__).parents[3]
_MADE_FROM: Final = ("requirements-dev.lock", "client/pyproject.toml", "pyproject.toml")
#: Prints what it is started with.
_PYTHON: Final = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"
_QUICK: Final = ["-n", "4", "-m", "not exhaustive"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with `run` alone, whose environment has a Python that prints its arguments."""
    tree = tmp_path.resolve()
    programs = tree / ".venv" / "bin"
    programs.mkdir(parents=True)
    shutil.copy2(_ROOT / "run", tree)
    for name in _MADE_FROM:
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("")
    (tree / ".venv" / "made-from").write_text(f"{tree}\n")
    python = programs / "python"
    python.write_text(_PYTHON)
    python.chmod(0o755)
    return tree


def _given_to_pytest(tree: Path, *arguments: str) -> list[str]:
    ran = subprocess.run(
        [tree / "run", "test", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("-m\npytest\n")
    return ran.stdout.splitlines()[2:]


def test_run_without_arguments_leaves_the_exhaustive_tests_out(tree: Path) -> None:
    assert _given_to_pytest(tree) == _QUICK


def test_run_of_all_leaves_nothing_out(tree: Path) -> None:
    assert _given_to_pytest(tree, "--all", "-x") == ["-n", "2", "-x"]


def test_run_of_paths_runs_all_that_they_choose(tree: Path) -> None:
    assert _given_to_pytest(tree, "tests/unit", "-k", "lease") == ["tests/unit", "-k", "lease"]


def test_nothing_else_chooses_tests(pytestconfig: pytest.Config) -> None:
    """So that what the quick run leaves out, and no more, is what `--all` adds to it."""
    usual = pytestconfig.getini("addopts")

    assert not {"-m", "-k", "--deselect", "--ignore", "--ignore-glob"} & set(usual)
    assert pytestconfig.getini("testpaths") == ["tests"]
    assert [path for path in _files("conftest.py") if "collect_ignore" in path.read_text()] == []


def test_quick_run_has_tests_of_every_acceptance_file() -> None:
    command = [sys.executable, "-m", "pytest", "--co", "-q", *_QUICK[2:], "tests/acceptance"]
    ran = subprocess.run(
        command, env=environment(), cwd=_ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    quick = set(re.findall(r"^(\S+)::", ran.stdout, re.MULTILINE))
    assert quick == {_name(each) for each in _files("test_*.py") if "acceptance" in each.parts}


def test_quick_run_makes_every_mistake_that_a_harness_must_see() -> None:
    names = {"test_mutations.py", "test_left.py", "test_eyes.py", "test_oracle.py"}
    files = [path for path in _files("test_*.py") if path.name in names]
    marked = [path for path in files if "mark.exhaustive" in path.read_text("utf-8")]

    assert len(files) == len(names)
    assert marked == []


@pytest.mark.parametrize("file", LONGEST)
def test_file_that_begins_first_is_there(file: str) -> None:
    assert len([path for path in _files("test_*.py") if _name(path).endswith(f"/{file}")]) == 1


def test_file_is_run_by_one_process() -> None:
    assert share_of("tests/unit/test_a.py::test_b[c::d]") == "tests/unit/test_a.py"


def test_whole_systems_that_are_killed_or_timed_are_not_run_all_at_once() -> None:
    systems = [
        f"tests/acceptance/test_{name}.py::test_it" for name in ("survival", "mandarin_codes")
    ]

    assert len({share_of(each) for each in systems}) == 1
    assert not [each for each in map(share_of, map(_name, _files("*.py"))) if "/chaos/" in each]


def _files(pattern: str) -> list[Path]:
    return sorted((_ROOT / "tests").rglob(pattern))


def _name(path: Path) -> str:
    return os.fspath(path.relative_to(_ROOT))
