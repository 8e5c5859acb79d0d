"""The built wheel holds what is needed to run, and nothing else."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PACKAGES = ("config", "tasks", "worker")
SHIPPED = (".py", ".mako", ".wsdl", ".typed")


@pytest.fixture(scope="module")
def contents() -> Iterator[dict[str, bytes]]:
    """What lies in the wheel, by path."""
    with TemporaryDirectory(prefix="uprid-wheel-") as made:
        source, target = Path(made, "source"), Path(made, "dist")
        # A build leaves folders beside the code: it gets a copy, with everything that tempts.
        copytree(
            ROOT,
            source,
            ignore=ignore_patterns(".*", "__pycache__", "var", "build", "dist", "*.egg-info"),
        )
        built = subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target],
            cwd=source,
            capture_output=True,
            text=True,
            check=False,
        )
        assert built.returncode == 0, built.stdout + built.stderr
        (wheel,) = target.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            yield {name: archive.read(name) for name in archive.namelist()}


def _tree() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in SHIPPED
    }


def test_wheel_holds_exactly_the_three_packages(contents: dict[str, bytes]) -> None:
    tops = {name.split("/")[0] for name in contents}

    assert tops == {*PACKAGES, f"{_distribution(contents)}.dist-info"}


def test_wheel_holds_every_file_of_the_packages(contents: dict[str, bytes]) -> None:
    held = {name for name in contents if ".dist-info/" not in name}

    assert held == _tree()


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_says_that_its_packages_are_typed(contents: dict[str, bytes], package: str) -> None:
    assert f"{package}/py.typed" in contents


def test_wheel_holds_the_migrations(contents: dict[str, bytes]) -> None:
    versions = [
        name
        for name in contents
        if name.startswith("worker/store/migrations/versions/") and not name.endswith("__init__.py")
    ]

    assert versions
    assert {
        "worker/store/migrations/env.py",
        "worker/store/migrations/script.py.mako",
    } <= contents.keys()


def test_wheel_holds_the_interface_that_soap_messages_are_written_by(
    contents: dict[str, bytes],
) -> None:
    assert b"MessagesSoap11" in contents["worker/providers/moneta/merchant.wsdl"]


def test_wheel_brings_the_command(contents: dict[str, bytes]) -> None:
    entry_points = contents[f"{_distribution(contents)}.dist-info/entry_points.txt"].decode()

    assert "uprid = worker.cli.main:main" in entry_points


def _distribution(contents: dict[str, bytes]) -> str:
    (metadata,) = (name for name in contents if name.endswith(".dist-info/METADATA"))
    return metadata.removesuffix(".dist-info/METADATA")
