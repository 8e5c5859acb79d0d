"""`uprid` in this process: quick, and coverage sees it. Exit statuses are as from a shell."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.support.processes import environment
from worker.oncall.cli import main


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was complained about."""
        return self.err.splitlines()


def uprid(settings: Mapping[str, str], *arguments: str, stdin: str = "") -> Ended:
    """Run one command under these settings and nothing else of the environment's."""
    out, err = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    surroundings: Any = patch.multiple(sys, argv=["uprid", *arguments], stdin=given)
    with (
        surroundings,
        patch.dict(os.environ, environment(settings), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ended(status, out.getvalue(), err.getvalue())
