"""README.md's sample, run as it is printed: real broker, real workers, the sandbox.

Only two things are put in the place of what a reader fills in: the broker's address and the key.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.processes.child import Process, environment, running, wait_until
from tests.support.processes.system import ROOT, SEAL_KEY, System, system
from tests.support.servers.fresh import ValkeyServer

README: Final = (ROOT / "README.md").read_text("utf-8")
[SAMPLE] = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
ADDRESS: Final = "redis://127.0.0.1:6379/0"
KEY: Final = '"…"'

pytestmark = pytest.mark.slow


@pytest.fixture
def whole(tmp_path: Path, broker: ValkeyServer, sqlite_url: str) -> Iterator[System]:
    """Everything that the sample needs, running."""
    with system(tmp_path, broker, sqlite_url) as made:
        made.start_sandbox()
        made.start("worker", "poller")
        yield made


@pytest.fixture
def sample(whole: System, tmp_path: Path) -> Iterator[Process]:
    """The sample as a program that runs on, as printed."""
    assert SAMPLE.count(ADDRESS) == SAMPLE.count(KEY) == 1
    filled = SAMPLE.replace(ADDRESS, whole.broker.url).replace(KEY, f'"{SEAL_KEY}"')
    program = tmp_path / "sample.py"
    program.write_text(filled, "utf-8")
    env = {**environment(), "PYTHONUNBUFFERED": "1"}
    with running(
        [sys.executable, str(program)], log=tmp_path / "sample.log", env=env, cwd=ROOT
    ) as process:
        yield process


def test_sample_goes_on_through_everything_that_stands_on_the_stream(
    whole: System, sample: Process
) -> None:
    shop = whole.marketplace
    for provider in ("pause", "unpause"):
        whole.uprid(provider, "moneta", "--note", "tried")
    shop.send(reference="order-18", unit_id="no number")
    shop.start("order-19", 1_103)
    shop.start("order-20", 1_120)
    shop.redis.xadd("uprid:events", {"ping": "1"})
    newer = {
        "specversion": "1.0",
        "id": "event-of-a-newer-release",
        "source": "uprid-worker",
        "type": "uprid.weather.changed",
        "subject": "moneta",
        "time": "2026-11-21T12:00:00.250Z",
        "datacontenttype": "application/json",
        "data": "{}",
    }
    shop.redis.xadd("uprid:events", newer)  # type: ignore[arg-type]
    expected = (
        "order-17 uprid.operation.succeeded {}",
        "order-18 uprid.message.refused ['unit_id']",
        "order-19 uprid.operation.rejected {'code': 'data_mismatch'",
        "order-20 uprid.operation.failed {'code': 'provider_unavailable'",
        "moneta uprid.provider.paused",
        "moneta uprid.provider.unpaused",
        "moneta uprid.weather.changed {}",
    )

    def all_came() -> bool:
        assert sample.is_running, sample.tail()
        return all(line in sample.output() for line in expected)

    wait_until(all_came, 30, sample.tail)
    assert "Traceback" not in sample.output()
    # Not delivered again: each was acknowledged.
    assert all(sample.output().count(line) == 1 for line in expected)
