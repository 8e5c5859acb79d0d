"""Child processes of tests: started with a group and a log of their own, always ended."""

import atexit
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

#: What belongs to a test and never to the shell that started it.
SETTING_PREFIXES: Final = ("UPRID_", "DATABASE_URL", "REDIS_URL", "CELERY_", "FLOWER_")
_SHOWN_LINES: Final = 30
#: By how much a wait may be longer than it says before it fails: the machines that run tests are
#: shared, and a wait that fails must mean that something is broken, not that it was slow.
PATIENCE: Final = 6.0
#: Seconds between two looks at what is waited for: at first, and in the end.
_SOONEST: Final = 0.02
_LATEST: Final = 0.25

T = TypeVar("T")


class ProcessEnded(AssertionError):
    """The process ended although it was needed."""


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment with `settings` in the place of its own ones."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(SETTING_PREFIXES)}
    return {**own, **(settings or {})}


def wait_until(
    predicate: Callable[[], T],
    timeout: float,
    what: str | Callable[[], str],
    interval: float | None = None,
) -> T:
    """Return the predicate's first true value; fail with `what` long after `timeout` seconds.

    `timeout` is what a quiet machine needs at most. `what` says what was waited for; as a function
    it is asked only on failure. `interval` is between two looks; without it they come less often
    the longer it lasts, so that who waits takes little from who is waited for.
    """
    began = time.monotonic()
    while True:
        if value := predicate():
            return value
        waited = time.monotonic() - began
        if waited >= timeout * PATIENCE:
            said = what if isinstance(what, str) else what()
            message = f"not within {timeout * PATIENCE:g} s: {said}"
            raise AssertionError(message)
        time.sleep(_between_looks(waited) if interval is None else interval)


def _between_looks(waited: float) -> float:
    return min(max(_SOONEST, waited / 20), _LATEST)


class Process:
    """A running command, the leader of its own session and process group."""

    def __init__(self, popen: "subprocess.Popen[bytes]", name: str, log: Path) -> None:
        self._popen = popen
        self.name = name
        self.log = log

    @property
    def pid(self) -> int:
        """The leader's id, and its group's."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """How the leader ended; negative: by which signal; None: it runs."""
        return self._popen.poll()

    @property
    def is_running(self) -> bool:
        """Whether the leader still runs."""
        return self.returncode is None

    def output(self) -> str:
        """Return everything that was written so far, both streams together."""
        return self.log.read_text("utf-8", errors="replace")

    def tail(self) -> str:
        """Return the name, the state and the last lines, for a failure's text."""
        state = "running" if self.is_running else f"ended with {self.returncode}"
        lines = self.output().splitlines()[-_SHOWN_LINES:]
        return "\n".join([f"{self.name} ({state}) wrote last:", *lines])

    def wait(self, timeout: float) -> int:
        """Wait for the end and return the exit status."""
        try:
            return self._popen.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            message = f"{self.name} did not end within {timeout * PATIENCE:g} s\n{self.tail()}"
            raise AssertionError(message) from None

    def wait_for_output(self, text: str, timeout: float = 20) -> None:
        """Wait until the log holds `text`; fail at once if the process ends before."""

        def appeared() -> bool:
            ended = not self.is_running
            if text in self.output():
                return True
            if ended:
                message = f"{text!r} never came\n{self.tail()}"
                raise ProcessEnded(message)
            return False

        wait_until(appeared, timeout, lambda: f"{text!r} in the log\n{self.tail()}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the leader alone, as a supervisor does."""
        self._popen.send_signal(number)

    def stop(self, grace: float = 15, ask: signal.Signals = signal.SIGTERM) -> int:
        """Ask the leader to end, kill what is left after `grace` seconds; return its status."""
        self.send(ask)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(grace)
        return self.kill9()

    def kill9(self) -> int:
        """Kill the whole group (SIGKILL) and return the leader's status."""
        # A group of zombies alone is refused on macOS, one that is gone everywhere.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        status = self._popen.wait()
        _RUNNING.discard(self)
        return status


_RUNNING: Final[set[Process]] = set()


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
) -> Process:
    """Start a command; its output is appended to `log`. `env` is the whole environment.

    `user` and `group` (ids) may only be given by root.
    """
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment() if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if group is None else [],
        )
    process = Process(popen, Path(command[0]).name, log)
    _RUNNING.add(process)
    return process


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Process]:
    """Run a command for the time of a `with` block."""
    process = start(command, log=log, env=env, cwd=cwd)
    try:
        yield process
    finally:
        if process.is_running:
            process.stop()
        else:
            process.kill9()


@atexit.register
def kill_all() -> None:
    """End what a test, or an interrupted run, left behind."""
    for process in tuple(_RUNNING):
        process.kill9()
