"""`uprid` as tests call it. Exit statuses are as from a shell.

In this process it is quick, and coverage sees it; on a terminal it is a process of its own.
"""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.support.processes.child import PATIENCE, environment
from worker.cli.main import main


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


def uprid(
    settings: Mapping[str, str],
    *arguments: str,
    stdin: str = "",
    stdout: io.TextIOWrapper | None = None,
) -> Ended:
    """Run one command under these settings and nothing else of the environment's.

    What is written to a `stdout` that is given is not in what is returned.
    """
    out, err = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    surroundings: Any = patch.multiple(sys, argv=["uprid", *arguments], stdin=given)
    with (
        surroundings,
        patch.dict(os.environ, environment(settings), clear=True),
        redirect_stdout(out if stdout is None else stdout),
        redirect_stderr(err),
    ):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ended(status, out.getvalue(), err.getvalue())


def on_a_terminal(settings: Mapping[str, str], typed: str, *arguments: str) -> tuple[int, str]:
    """Run one command on a terminal on which text is typed; return its status and the screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli.main", *arguments],
        env={**environment(settings), "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    # Linux says by an error that no process has the other end any more.
    with suppress(OSError):
        while some := os.read(ours, 4096):
            shown += some
    os.close(ours)
    return process.wait(20 * PATIENCE), shown.decode()
