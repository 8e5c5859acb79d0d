"""The identifiers that DESIGN's words replaced stay out of the Python code."""

import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
_ROOMS: Final = ("benchmarks", "client", "config", "sandbox", "tasks", "tests", "worker")
_PRODUCT: Final = ("benchmarks/", "client/", "config/", "sandbox/", "tasks/", "worker/")
_WHOLE_TREE: Final = ("",)
#: What is retired, and the files and folders that it is retired from. Only names count: a
#: statement's own column, as `v.yields`, stands in a string and stays.
_RETIRED: Final[dict[str, tuple[str, ...]]] = {
    "listens": _WHOLE_TREE,
    "tallied": _WHOLE_TREE,
    "yields": _WHOLE_TREE,
    "aloud": _WHOLE_TREE,
    "aside": ("tests/unit/worker/engine",),
    "Heard": _WHOLE_TREE,
    "HEARD": _WHOLE_TREE,
    "Told": _WHOLE_TREE,
    "TOLD": _WHOLE_TREE,
    "TOLD_TO_REST": _WHOLE_TREE,
    "tell_late": _WHOLE_TREE,
    "tell_events": _WHOLE_TREE,
    "tell_calls": _WHOLE_TREE,
    "tell_privacy": _WHOLE_TREE,
    "heard": (*_PRODUCT, "tests/harnesses/chaos"),
    "hear": _PRODUCT,
    "told": _PRODUCT,
    "tell": _PRODUCT,
    "said": _PRODUCT,
    "says": _PRODUCT,
    "Said": _PRODUCT,
    "Says": _WHOLE_TREE,
    "Desk": _WHOLE_TREE,
    "desk": _WHOLE_TREE,
    "LoginDesk": _WHOLE_TREE,
    "ObjectDesk": _WHOLE_TREE,
    "EshopDesk": _WHOLE_TREE,
    "Door": _WHOLE_TREE,
    "door": _WHOLE_TREE,
    "doors": _WHOLE_TREE,
    "DOORS": _WHOLE_TREE,
    "Slammed": _WHOLE_TREE,
    "Begun": ("worker/",),
    "let_go_chunks": _WHOLE_TREE,
    "free_chunks": _WHOLE_TREE,
    "share_changes": _WHOLE_TREE,
    "Intake": ("worker/",),
    "course": ("worker/providers/mandarin",),
    "halves": ("worker/local",),
    "Keep": _WHOLE_TREE,
    "keep": ("worker/store",),
    "of_party": _WHOLE_TREE,
    "party": _WHOLE_TREE,
    "token": (
        "client/uprid_client/client.py",
        "client/uprid_client/events",
        "client/uprid_client/sealing.py",
        "sandbox/uprid_sandbox/intellectmoney",
        "worker/cli",
        "worker/engine",
        "worker/intake",
        "worker/process",
        "worker/providers/intellectmoney/access_tokens.py",
        "worker/providers/intellectmoney/client.py",
        "worker/store",
    ),
    "tokens_of": _WHOLE_TREE,
    "tokens_beside": _WHOLE_TREE,
    "Tokens": _WHOLE_TREE,
    "NoToken": _WHOLE_TREE,
    "SealedToken": _WHOLE_TREE,
    "StoredTokens": _WHOLE_TREE,
    "LARGEST_TOKEN": _WHOLE_TREE,
    "Claimed": _WHOLE_TREE,
    "claimed": (
        "worker/engine/calls.py",
        "worker/engine/decisions.py",
        "worker/store/changes.py",
        "worker/store/transitions.py",
        "worker/store/writeback.py",
    ),
    "Standing": _WHOLE_TREE,
    "Standings": ("benchmarks/", "worker/"),
    "standing": _PRODUCT,
    "Notice": _WHOLE_TREE,
    "NoticeBoard": _WHOLE_TREE,
    "NOTICES": _WHOLE_TREE,
    "notice": _PRODUCT,
    "notices": _WHOLE_TREE,
    # Elsewhere a fault is a provider's own, or one that a test makes.
    "faults": (
        "benchmarks/",
        "client/",
        "config/",
        "sandbox/",
        "tasks/",
        "worker/cli",
        "worker/domain",
        "worker/engine",
        "worker/intake",
        "worker/local",
        "worker/process",
        "worker/providers/intellectmoney",
        "worker/providers/moneta/plugin.py",
        "worker/providers/npd",
        "worker/providers/base.py",
        "worker/store",
    ),
    "faults_in": _WHOLE_TREE,
    "faults_of": _WHOLE_TREE,
    "moves": _PRODUCT,
    "stays": _PRODUCT,
    "stay": _PRODUCT,
    "move": ("worker/store",),
    "may_move": _WHOLE_TREE,
    "has_move": _WHOLE_TREE,
    "MOVES": _WHOLE_TREE,
    "IllegalMove": _WHOLE_TREE,
}
#: Where a retired name may still stand: a column, a log line's field, a parameter of the client's
#: contract or of a test's own has it.
_EXCEPTED: Final = {
    "heard": {"worker/intake/notifications.py"},
    "notices": {"tests/harnesses/simulation/facts.py", "worker/store/notifications.py"},
    "party": {
        "tests/harnesses/simulation/plugin.py",
        "tests/integration/intake/test_golden_resent.py",
        "worker/store/notifications.py",
        "worker/store/retries.py",
    },
    "token": {"client/uprid_client/client.py", "worker/engine/held.py"},
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

    assert again == _EXCEPTED.get(name, set())


def test_names_are_read_from_code_alone() -> None:
    assert list(_names('aloud = "Heard"  # Told\n')) == ["aloud"]
