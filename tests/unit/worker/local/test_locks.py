import subprocess
import sys
from pathlib import Path

import pytest

from worker.local import locks


def test_lock_is_refused_when_somebody_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        locks.held(path, "stop the other one"),
        pytest.raises(locks.InUse, match="stop the other one"),
        locks.held(path, "stop the other one"),
    ):
        pytest.fail("held twice")


def test_lock_is_free_again_when_its_holder_has_let_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(2):
        with locks.held(path, ""):
            pass


def test_lock_is_held_on_by_a_child_that_inherited_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locks.held(path, "") as lock:
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock]
        )
    with pytest.raises(locks.InUse), locks.held(path, ""):
        pytest.fail("held twice")
    child.communicate(b"\n")
    with locks.held(path, ""):
        pass
