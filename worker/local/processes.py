"""Child processes: each has a log of its own, they stop in order, and none is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from uprid_client.errors import UpridError
from worker.local import tether
from worker.local.tether import Tied

#: Seconds between two looks at something that is waited for.
LOOK_EVERY: Final = 0.05
_SHOWN_LINES: Final = 12
#: Seconds for a broker to write down what it holds, even in a hurried stop.
_LAST_WRITES: Final = 20.0
_PEERS_GRACE: Final = 5.0


def python_module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of ours, never one of the working directory."""
    return [sys.executable, "-P", "-m", name, *arguments]


class Stage(IntEnum):
    """When a process is stopped: each stage begins when the one before has ended."""

    #: What takes messages and makes calls.
    WORK = 1
    #: What is called: the sandbox.
    PEERS = 2
    #: Last: stopped together with a worker, it loses that worker's last acknowledgement.
    BROKER = 3


class ProcessDied(UpridError):
    """A process ended although it was needed."""


class StartTimedOut(UpridError):
    """A process was not ready in time."""


class Child:
    """A started command, the leader of its own session and process group."""

    def __init__(
        self, name: str, stage: Stage, popen: "subprocess.Popen[bytes]", log: Path
    ) -> None:
        self.name = name
        self.stage = stage
        self.log = log
        self._popen = popen

    @property
    def pid(self) -> int:
        """The process's id, and its group's."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; negative: by which signal; None: it runs."""
        return self._popen.poll()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the leader alone: what it started is its own to end."""
        self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> bool:
        """Send SIGKILL to the group if the leader still runs; return whether it did.

        Never afterwards: the id may be another's by then.
        """
        if self.returncode is not None:
            return False
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        return True

    def last_words(self) -> str:
        """Return how it ended and the last lines of its log (which the logging has masked)."""
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-_SHOWN_LINES:]
        status = self.returncode
        ended = "still runs" if status is None else f"ended with status {status}"
        return "\n".join([f"{self.name} {ended}; its log ({self.log}) ends:", *lines])


class Keeper:
    """Keeps the processes of one command. A context manager: its end stops what still runs.

    `grace` is what those of the first stage get to end by themselves, in seconds: longer than any
    call that they may be in the middle of. `say` gets (what, which) as processes end; it must
    not raise.
    """

    def __init__(
        self,
        directory: Path,
        logs: Path,
        *,
        grace: float,
        hurried: Callable[[], bool],
        say: Callable[[str, str], None],
    ) -> None:
        self._directory = directory
        self._logs = logs
        self._graces = {
            Stage.WORK: grace,
            Stage.PEERS: _PEERS_GRACE,
            Stage.BROKER: _LAST_WRITES,
        }
        self._hurried = hurried
        self._say = say
        self._tether: subprocess.Popen[bytes] | None = None
        self.children: list[Child] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._tether = subprocess.Popen(
            python_module(tether.__name__),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._tether is not None and self._tether.stdin is not None:
            with suppress(BrokenPipeError):
                self._tether.stdin.close()
            self._tether.wait()

    def start(
        self,
        name: str,
        command: Sequence[str],
        stage: Stage,
        environment: Mapping[str, str],
        *,
        keep_open: Sequence[int] = (),
    ) -> Child:
        """Start a command; its output goes to a log of its name, the last one's is kept beside.

        `keep_open` are file descriptors that it inherits.
        """
        log = self._logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as output:
            popen = subprocess.Popen(
                list(command),
                cwd=self._directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=tuple(keep_open),
            )
        child = Child(name, stage, popen, log)
        self.children.append(child)
        self._send_line(tether.tie(Tied(child.pid, stage, self._graces[stage])))
        return child

    def fallen(self) -> Child | None:
        """Return a process that ended without being asked to."""
        return next((each for each in self.children if each.returncode is not None), None)

    def wait(
        self, ready: Callable[[], bool], what: str, *, timeout: float, stopped: Callable[[], bool]
    ) -> bool:
        """Wait until something is ready; False where a stop was asked for meanwhile.

        Raises `ProcessDied` where a process ends, `StartTimedOut` after `timeout` seconds.
        """
        give_up = time.monotonic() + timeout
        while not stopped():
            if ready():
                return True
            fallen = self.fallen()
            if fallen is not None:
                raise ProcessDied(fallen.last_words())
            if time.monotonic() > give_up:
                raise StartTimedOut(f"{what}: not within {timeout:.0f} s")
            time.sleep(LOOK_EVERY)
        return False

    def stop(self, last: Stage = Stage.BROKER) -> None:
        """Stop stage by stage, up to and with the `last` one: ask, wait, then kill."""
        for stage in Stage:
            if stage <= last:
                self._stop_stage(stage)

    def _stop_stage(self, stage: Stage) -> None:
        staged = [each for each in self.children if each.stage is stage]
        if not staged:
            return
        for child in staged:
            child.ask_to_end()
        give_up = time.monotonic() + self._graces[stage]
        while any(child.returncode is None for child in staged):
            # The broker is never hurried: what its workers acknowledged last must be written.
            hurried = stage is not Stage.BROKER and self._hurried()
            if hurried or time.monotonic() > give_up:
                break
            time.sleep(LOOK_EVERY)
        for child in staged:
            killed = child.kill()
            self.children.remove(child)
            self._send_line(tether.untie(child.pid))
            self._say("killed" if killed else "stopped", child.name)

    def _send_line(self, line: bytes) -> None:
        if self._tether is not None and self._tether.stdin is not None:
            # The tether may have been killed: the keeper still stops everything itself.
            with suppress(BrokenPipeError):
                self._tether.stdin.write(line)
                self._tether.stdin.flush()
