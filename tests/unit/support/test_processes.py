"""The tests' own helpers for child processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from tests.support.processes.child import PATIENCE, ProcessEnded, environment, running, wait_until

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
time.sleep(60)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "process.log"


def test_wait_until_returns_the_first_true_value() -> None:
    values = iter([0, "", 7, 8])

    assert wait_until(lambda: next(values), 5, "a value") == 7


def test_wait_until_fails_with_what_it_waited_for_when_time_is_over() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.3 s: the moon"):
        wait_until(lambda: False, 0.3 / PATIENCE, "the moon")


def test_wait_until_asks_for_the_text_only_when_it_fails() -> None:
    with pytest.raises(AssertionError, match="state: 3"):
        wait_until(lambda: False, 0, lambda: f"state: {1 + 2}")


def test_process_keeps_both_streams_and_the_status_when_it_ends(log: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with running(python(code), log=log) as process:
        assert process.wait(20) == 3

    assert sorted(process.output().split()) == ["err", "out"]


def test_process_leads_a_session_of_its_own(log: Path) -> None:
    with running(python("import time; time.sleep(60)"), log=log) as process:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_stop_gives_the_process_time_to_end_cleanly(log: Path) -> None:
    code = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True)
time.sleep(60)
"""
    with running(python(code), log=log) as process:
        process.wait_for_output("ready")

        assert process.stop() == 5


def test_stop_kills_the_whole_group_when_the_grace_is_over(log: Path) -> None:
    with running(python(STUBBORN), log=log) as process:
        process.wait_for_output("child")
        child = int(process.output().split()[1])

        assert process.stop(grace=0.1) == -signal.SIGKILL
        wait_until(lambda: _is_gone(child), 5, "the child's end")


def test_process_is_ended_when_the_block_is_left_by_an_interrupt(log: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        running(python("import time; time.sleep(60)"), log=log) as process,
    ):
        raise KeyboardInterrupt

    assert not process.is_running


def test_process_left_behind_is_ended_with_the_run_that_started_it(tmp_path: Path) -> None:
    # In a run of its own: this one's servers are still needed.
    run = """
        import sys
        from pathlib import Path
        from tests.support.processes.child import start
        sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
        print(start(sleep, log=Path(sys.argv[1])).pid)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(run), tmp_path / "left.log"],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )

    wait_until(lambda: _is_gone(int(ended.stdout)), 5, "the end of what was left behind")


def test_wait_for_output_fails_at_once_when_the_process_ends_without_it(log: Path) -> None:
    began = time.monotonic()
    with (
        running(python("print('goodbye')"), log=log) as process,
        pytest.raises(ProcessEnded, match=r"(?s)'hello' never came.*ended with 0.*goodbye"),
    ):
        process.wait_for_output("hello", timeout=60)

    assert time.monotonic() - began < 30


def test_environment_hides_own_settings_and_keeps_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://production/0")
    monkeypatch.setenv("UPRID_MONETA__URL", "https://production")

    given = environment({"DATABASE_URL": "sqlite:///x"})

    assert given["DATABASE_URL"] == "sqlite:///x"
    assert given["PATH"] == os.environ["PATH"]
    assert not {"REDIS_URL", "UPRID_MONETA__URL"} & given.keys()


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
