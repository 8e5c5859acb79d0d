import os
import signal
import subprocess
import sys

import pytest

from tests.support.processes.child import wait_until
from worker.local.tether import Tied, end, lives, read, tie, untie

_WORKER = Tied(11, 1, 45.0)
_BROKER = Tied(12, 3, 20.0)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([tie(_WORKER), tie(_BROKER)], [_WORKER, _BROKER], id="both live"),
        pytest.param([tie(_WORKER), tie(_BROKER), untie(11)], [_BROKER], id="one ended"),
        pytest.param([tie(_WORKER), untie(11), untie(12)], [], id="all ended"),
        pytest.param([tie(_WORKER), b"tie 12\n"], [_WORKER], id="cut off in the middle"),
        pytest.param([tie(_WORKER), b"tie"], [_WORKER], id="cut off in a word"),
    ],
)
def test_tether_knows_what_is_left_when_its_input_ends(said: list[bytes], left: list[Tied]) -> None:
    assert read(b"".join(said).decode("ascii").splitlines(keepends=True)) == left


def test_tether_does_not_mind_when_what_it_should_end_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    end([Tied(process.pid, 1, 1.0)], lives)


def test_tether_kills_when_the_grace_is_over() -> None:
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{program}; time.sleep(60)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    end([Tied(process.pid, 1, 0.2)], lives)
    assert process.wait(10) == -signal.SIGKILL
    process.stdout.close()


def test_process_does_not_live_when_it_is_a_zombie() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    # Not waited for: it stays a zombie until then.
    wait_until(lambda: sys.platform != "linux" or not lives(process.pid), 10, "its end")
    assert lives(os.getpid())
    process.wait()
