"""Spots: the places in the code where a transaction begins, by module and function.

They are given as the functions themselves, so that a spot moves with its code.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def spot_of(function: Callable[..., Any]) -> str:
    """Return the spot of a transaction that a function begins."""
    return f"{_short(function.__module__)}.{function.__name__}"


def spots_in(module: ModuleType) -> str:
    """Return the beginning of the spots of all functions of a module."""
    return f"{_short(module.__name__)}."


def _short(module: str) -> str:
    return module.rpartition(".")[2]
