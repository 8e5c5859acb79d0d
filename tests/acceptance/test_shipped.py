"""The processes of these tests are those of the installation that is shipped, not of the tree."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.processes.shipped import ROOT, image, programs
from tests.support.processes.system import System, system
from tests.support.servers.fresh import ValkeyServer


@pytest.fixture
def whole(
    broker: ValkeyServer, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[System]:
    """A system that is started from a shell which points to the tree."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with system(tmp_path, broker, sqlite_url) as made:
        yield made


def test_processes_take_program_packages_and_own_code_from_the_installation(whole: System) -> None:
    whole.start_sandbox()
    whole.start("worker", "poller")
    whole.wait_until_started("worker", "poller")

    for name in ("worker", "poller"):
        process = psutil.Process(whole.process(name).pid)
        assert Path(process.cmdline()[0]).parent == programs()
        assert "PYTHONPATH" not in process.environ()
        # Libraries that are loaded as machine code show where packages come from.
        packages = [each.path for each in process.memory_maps() if "site-packages" in each.path]
        assert packages
        assert [path for path in packages if not Path(path).is_relative_to(image())] == []
    assert image().is_relative_to(ROOT / "var")
