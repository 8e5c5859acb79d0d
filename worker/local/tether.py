"""`python -m worker.local.tether`: ends the processes of a keeper that was killed.

A keeper that is killed with SIGKILL can stop nothing any more, and its children, which have
sessions of their own, would live on. So it holds the one end of a pipe whose other end is this
process's standard input: the end of that input is the keeper's end, even by a kill.

Rejected: PR_SET_PDEATHSIG, which only Linux has, which follows the thread and not the process, and
which would end the broker together with the workers.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Seconds between two looks at what is left.
_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Tied:
    """A process that is to end with its keeper. It leads its own group."""

    pid: int
    #: Lower ones are ended first.
    stage: int
    #: Seconds until it is killed.
    grace: float


def tie(tied: Tied) -> bytes:
    """Return the line by which a keeper ties a process to itself."""
    return f"tie {tied.pid} {tied.stage} {tied.grace}\n".encode("ascii")


def untie(pid: int) -> bytes:
    """Return the line by which a keeper says that a process has ended."""
    return f"untie {pid}\n".encode("ascii")


def read(lines: Iterable[str]) -> list[Tied]:
    """Read to the end; return what was tied then."""
    tied: dict[int, Tied] = {}
    for line in lines:
        match line.split():
            case ["tie", pid, stage, grace]:
                tied[int(pid)] = Tied(int(pid), int(stage), float(grace))
            case ["untie", pid]:
                tied.pop(int(pid), None)
            case _:  # cut off in the middle: the keeper died of it
                break
    return list(tied.values())


def end(tied: Iterable[Tied], lives: Callable[[int], bool]) -> None:
    """End the processes stage by stage: ask, wait, kill."""
    left = sorted(tied, key=lambda each: each.stage)
    for stage in dict.fromkeys(each.stage for each in left):
        staged = [each for each in left if each.stage == stage]
        for each in staged:
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGTERM)
        give_up = time.monotonic() + max(each.grace for each in staged)
        while time.monotonic() < give_up and any(lives(each.pid) for each in staged):
            time.sleep(_LOOK_EVERY)
        for each in staged:
            if lives(each.pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(each.pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    """Return whether a process runs. Orphans of ours may stay as zombies until they are reaped."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    try:
        status = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:  # not Linux, or gone in between
        return sys.platform != "linux"
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def main() -> int:
    """Wait for the keeper's end, then end what it left."""
    # A hang-up or a Ctrl-C is meant for the keeper, which then stops everything in order itself.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(read(sys.stdin), lives)
    return 0


if __name__ == "__main__":
    sys.exit(main())
