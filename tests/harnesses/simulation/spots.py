"""Spots: where in the code a transaction is begun, by module and function.

Written down as the functions themselves, so that a spot moves with its code.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def spot_of(function: Callable[..., Any]) -> str:
    """Return the spot of a transaction that a function begins."""
    return f"{_short(function.__module__)}.{function.__name__}"


def spots_in(module: ModuleType) -> str:
    """Return what the spots of all functions of a module begin with."""
    return f"{_short(module.__name__)}."


def _short(module: str) -> str:
    return module.rpartition(".")[2]
