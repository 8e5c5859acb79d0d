"""The identifiers that DESIGN's words replaced stay out of the Python code."""

import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_ROOMS: Final = ("benchmarks", "client", "config", "sandbox", "tasks", "tests", "worker")
#: What is retired, and the files and folders that it is retired from: "" is the whole tree.
#: Only names count. A statement's own column, as `v.yields`, stands in a string and stays.
_RETIRED: Final = {
    "listens": "",
    "tallied": "",
    "yields": "",
    "aloud": "",
    "aside": "tests/unit/worker/engine",
    "Heard": "",
    "Told": "",
    "tell_late": "",
    "tell_events": "",
    "tell_calls": "",
    "tell_privacy": "",
    "Desk": "sandbox",
    "Door": "sandbox",
    "Slammed": "",
    "Keep": "",
    "keep": "worker/store",
    "of_party": "",
    "party": "",
    "token": "worker/store/claims.py",
}
#: Where a retired name may still stand, since a column has it, or a parameter of a test's own.
_COLUMNS: Final = {
    "party": {
        "tests/harnesses/simulation/plugin.py",
        "tests/integration/intake/test_golden_resent.py",
        "worker/store/notifications.py",
        "worker/store/retries.py",
    },
}


def _names(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.string


def _used() -> dict[str, set[str]]:
    used: dict[str, set[str]] = {}
    for room in _ROOMS:
        for path in sorted((_ROOT / room).rglob("*.py")):
            relative = path.relative_to(_ROOT).as_posix()
            if any(part.startswith(".") for part in path.relative_to(_ROOT).parts):
                continue
            for name in _names(path.read_text(encoding="utf-8")):
                if name in _RETIRED:
                    used.setdefault(name, set()).add(relative)
    return used


@pytest.fixture(scope="module", name="used")
def _read_once() -> dict[str, set[str]]:
    return _used()


@pytest.mark.parametrize("name", _RETIRED)
def test_a_retired_name_does_not_come_back(used: dict[str, set[str]], name: str) -> None:
    again = {path for path in used.get(name, ()) if path.startswith(_RETIRED[name])}

    assert again == _COLUMNS.get(name, set())


def test_names_are_read_from_code_alone() -> None:
    assert list(_names('aloud = "Heard"  # Told\n')) == ["aloud"]
