import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import child as support
from tests.support.processes.child import wait_until
from worker.local.processes import Child, Keeper, ProcessDied, Stage, StartTimedOut, python_module
from worker.local.tether import lives

#: Notes its end in `ends`, a while after it was asked for it.
_ENDS_LATER = """
import pathlib, signal, sys, time
name, ends, seconds = sys.argv[1:]
def end(*_):
    time.sleep(float(seconds))
    with open(ends, "a") as file:
        file.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    time.sleep(1)
"""
_NEVER_ENDS = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    time.sleep(1)
"""
_FAILS = "import sys; print('one'); print('two'); sys.exit(3)"


def _never() -> bool:
    return False


def _ended(child: Child) -> Callable[[], bool]:
    return lambda: child.returncode is not None


class Stand:
    """A keeper, what it said, and programs for it."""

    def __init__(self, keeper: Keeper, directory: Path) -> None:
        self.keeper = keeper
        self.ends = directory / "ends"

    def start(self, name: str, program: str, stage: Stage, *arguments: str) -> Child:
        command = [sys.executable, "-c", program, *arguments]
        child = self.keeper.start(name, command, stage, os.environ)
        if "ready" in program:
            wait_until(lambda: "ready" in child.log.read_text(), 20, name)
        return child

    def slow(self, name: str, stage: Stage, seconds: float) -> Child:
        return self.start(name, _ENDS_LATER, stage, name, str(self.ends), str(seconds))


@contextmanager
def standing(
    directory: Path,
    said: list[tuple[str, str]],
    *,
    grace: float = 20,
    hurried: Callable[[], bool] = _never,
) -> Iterator[Stand]:
    keeper = Keeper(
        directory,
        directory / "log",
        grace=grace,
        hurried=hurried,
        say=lambda what, which: said.append((what, which)),
    )
    with keeper:
        yield Stand(keeper, directory)


def test_keeper_ends_each_stage_before_it_begins_the_next(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    with standing(tmp_path, said) as stand:
        stand.slow("broker", Stage.BROKER, 0)
        stand.slow("sandbox", Stage.PEERS, 0)
        stand.slow("worker", Stage.WORK, 0.4)
        stand.slow("poller", Stage.WORK, 0.1)
    assert (tmp_path / "ends").read_text().split() == ["poller", "worker", "sandbox", "broker"]
    assert said == [
        ("stopped", "worker"),
        ("stopped", "poller"),
        ("stopped", "sandbox"),
        ("stopped", "broker"),
    ]


def test_keeper_stops_only_up_to_a_stage_when_told_so(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    with standing(tmp_path, said) as stand:
        broker = stand.slow("broker", Stage.BROKER, 0)
        stand.slow("worker", Stage.WORK, 0)
        stand.keeper.stop(Stage.WORK)
        assert said == [("stopped", "worker")]
        assert broker.returncode is None


def test_keeper_kills_what_does_not_end_when_its_grace_is_over(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    with standing(tmp_path, said, grace=0.3) as stand:
        child = stand.start("deaf", _NEVER_ENDS, Stage.WORK)
    assert child.returncode == -signal.SIGKILL
    assert said == [("killed", "deaf")]


def test_keeper_kills_workers_at_once_and_still_asks_the_broker_when_hurried(
    tmp_path: Path,
) -> None:
    said: list[tuple[str, str]] = []
    with standing(tmp_path, said, hurried=lambda: True) as stand:
        stand.start("deaf", _NEVER_ENDS, Stage.WORK)
        stand.slow("broker", Stage.BROKER, 0.2)
    assert said == [("killed", "deaf"), ("stopped", "broker")]
    assert stand.ends.read_text().split() == ["broker"]


def test_keeper_stops_everything_when_its_block_raises(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []

    def fail() -> None:
        with standing(tmp_path, said) as stand:
            stand.slow("worker", Stage.WORK, 0)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert said == [("stopped", "worker")]


def test_child_leads_a_session_of_its_own(tmp_path: Path) -> None:
    with standing(tmp_path, []) as stand:
        child = stand.slow("worker", Stage.WORK, 0)
        assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid


def test_keeper_tells_who_died_and_its_last_words_when_one_ends_early(tmp_path: Path) -> None:
    with standing(tmp_path, []) as stand:
        stand.start("poller", _FAILS, Stage.WORK)
        with pytest.raises(ProcessDied, match=r"(?s)poller ended with status 3.*one\ntwo"):
            stand.keeper.wait(_never, "anything", timeout=20, stopped=_never)


def test_keeper_gives_up_when_nothing_gets_ready_in_time(tmp_path: Path) -> None:
    with (
        standing(tmp_path, []) as stand,
        pytest.raises(StartTimedOut, match="the workers: not within"),
    ):
        stand.keeper.wait(_never, "the workers", timeout=0.1, stopped=_never)


def test_keeper_stops_waiting_when_a_stop_is_asked_for(tmp_path: Path) -> None:
    with standing(tmp_path, []) as stand:
        ready = stand.keeper.wait(_never, "anything", timeout=20, stopped=lambda: True)
    assert not ready


def test_keeper_keeps_the_last_log_when_a_name_is_started_again(tmp_path: Path) -> None:
    for _ in range(2):
        with standing(tmp_path, []) as stand:
            child = stand.start("poller", _FAILS, Stage.WORK)
            wait_until(_ended(child), 20, "its end")
    assert (tmp_path / "log" / "poller.log").read_text() == "one\ntwo\n"
    assert (tmp_path / "log" / "poller.log.1").read_text() == "one\ntwo\n"


_KEEPER = f"""
import os, pathlib, sys, time
from worker.local.processes import Keeper, Stage
directory = pathlib.Path(sys.argv[1])
program = {_ENDS_LATER!r}
keeper = Keeper(directory, directory / "log", grace=20, hurried=lambda: False, say=print)
with keeper:
    for name, stage, seconds in (
        ("broker", Stage.BROKER, "0"), ("sandbox", Stage.PEERS, "0"), ("worker", Stage.WORK, "0.3")
    ):
        command = [sys.executable, "-c", program, name, str(directory / "ends"), seconds]
        child = keeper.start(name, command, stage, os.environ)
        while "ready" not in child.log.read_text():
            time.sleep(0.02)
        print("child", child.pid, flush=True)
    print("standing", flush=True)
    time.sleep(60)
"""


def test_children_end_in_order_when_their_keeper_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _KEEPER, str(tmp_path)]
    with support.running(command, log=tmp_path / "keeper.log") as keeper:
        keeper.wait_for_output("standing")
        pids = [
            int(line.split()[1])
            for line in keeper.output().splitlines()
            if line.startswith("child ")
        ]
        keeper.kill9()
        wait_until(lambda: not any(map(lives, pids)), 20, "the children's end")
    assert (tmp_path / "ends").read_text().split() == ["worker", "sandbox", "broker"]


def test_module_runs_as_installed_when_the_working_directory_holds_its_namesake(
    tmp_path: Path,
) -> None:
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "__init__.py").write_text("raise SystemExit(9)")
    command = python_module("worker.local.tether")
    with support.running(command, log=tmp_path / "log", cwd=tmp_path) as process:
        assert process.wait(20) == 0
