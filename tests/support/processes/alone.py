"""An environment that has one of our distributions and the libraries it declares, and no more."""

import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT: Final = Path(__file__).parents[3]


def install_alone(folder: Path, source: str, *libraries: str) -> Path:
    """Make an environment in a folder's `.venv`; return its Python.

    `source` is our distribution's folder. No index is asked: the libraries are those that
    everything else is tested with, and what they need.
    """
    venv.create(folder / ".venv", with_pip=False)
    [packages] = (folder / ".venv").glob("lib/*/site-packages")
    for name in set().union(*(_needed(each, set()) for each in libraries)):
        _copy(name, packages)
    with TemporaryDirectory(prefix="uprid-alone-") as made:
        # A build leaves folders beside the code.
        copied = copytree(
            _ROOT / source, Path(made, source), ignore=ignore_patterns("*.egg-info", "build")
        )
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install"),
                *("--no-deps", "--no-index", "--no-build-isolation", "--target", packages, copied),
            ],
            check=True,
            timeout=300,
        )
    return folder / ".venv/bin/python"


def _needed(name: str, found: set[str]) -> set[str]:
    """Return a library and all that it needs, as it is installed here."""
    if name not in found:
        found.add(name)
        for line in distribution(name).requires or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                _needed(canonicalize_name(wanted.name), found)
    return found


def _copy(name: str, packages: Path) -> None:
    for file in distribution(name).files or ():
        source = Path(str(file.locate()))
        if ".." not in file.parts and source.is_file():
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
