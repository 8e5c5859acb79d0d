"""Programs of the operating system that tests run for real, such as Debian's `pgbouncer`.

Where one is missing its tests are skipped, and say which package brings it. A run of CI may skip
nothing (tests/conftest.py), so there a green run means that all of them were there.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

#: Where Debian keeps programs that an ordinary user's PATH does not name.
_BESIDE_PATH: Final = "/usr/sbin:/usr/local/sbin:/sbin"


def is_ci() -> bool:
    """Tell whether this run must prove everything: a skip fails there."""
    return os.environ.get("CI") == "true"


def program(name: str, package: str | None = None) -> Path:
    """Return where a program is, or skip the test and name the package that brings it."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_BESIDE_PATH}")
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package or name}")
    return Path(found)
