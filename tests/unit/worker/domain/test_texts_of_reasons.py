"""What texts tell a person to do is something that the system offers, by the name that it has."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Final

import pytest

from worker import providers
from worker.domain.outcomes import Reason
from worker.providers.moneta.faults import MEANINGS

ROOT: Final = Path(__file__).parents[4]
#: The actions that a text may name are `retry`, `resume`, `resolve`, or a message of another
#: reference: nothing can be started or tried "again".
_NOT_OFFERED: Final = re.compile(r"start (it )?again|try (it )?again|next attempt", re.IGNORECASE)
#: Rows of logs and docstrings speak of more than what a person may type.
_FOLDERS: Final = ("worker/providers", "worker/engine", "worker/store", "worker/intake")


def _texts() -> list[tuple[str, str]]:
    """Return the texts that calls are given, docstrings left out: (place, text)."""
    found = []
    for folder in _FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call | ast.Assign | ast.AnnAssign):
                    found += [
                        (file.name, part.value)
                        for part in ast.walk(node)
                        if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    ]
    return found


def _reasons() -> list[Reason]:
    """Return the reasons that providers keep ready."""
    found = {
        id(value): value
        for module in pkgutil.walk_packages(providers.__path__, "worker.providers.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, Reason)
    }
    return list(found.values())


def test_no_text_names_what_cannot_be_done() -> None:
    assert [each for each in _texts() if _NOT_OFFERED.search(each[1])] == []


@pytest.mark.parametrize("message", sorted({each.message for each in _reasons() if each.retryable}))
def test_reason_after_which_a_retry_can_succeed_says_so(message: str) -> None:
    assert "retry" in message or "resume" in message


@pytest.mark.parametrize("code", sorted(code for code, each in MEANINGS.items() if each.retryable))
def test_code_after_which_a_retry_can_succeed_says_so(code: str) -> None:
    assert "retry" in MEANINGS[code].message
