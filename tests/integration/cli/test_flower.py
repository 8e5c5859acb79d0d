"""Flower as a process: behind its password, on loopback, whether the broker is there or not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.loopback.server import free_port
from tests.support.processes.child import Process, environment, running, wait_until
from tests.support.servers.valkey import ValkeyServer, valkey_server

pytestmark = pytest.mark.slow

LOGIN = ("olga", "very secret")


class Page:
    """A running Flower."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}"

    def status(self, path: str, login: tuple[str, str] | None = LOGIN) -> int:
        return requests.get(self._url + path, auth=login, timeout=10).status_code

    def broker(self) -> str:
        return requests.get(f"{self._url}/broker", auth=LOGIN, timeout=10).text

    def answers(self) -> bool:
        assert self.process.is_running, self.process.tail()
        try:
            return self.status("/", None) == 401
        except requests.ConnectionError:
            return False


@pytest.fixture
def broker() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture
def page(broker: ValkeyServer, tmp_path: Path) -> Iterator[Page]:
    """Flower that was started while the broker was away."""
    broker.stop()
    port = free_port()
    settings = {
        "REDIS_URL": broker.url,
        # As it comes from a file.
        "FLOWER_BASIC_AUTH": f"{':'.join(LOGIN)}\n",
        "FLOWER_PORT": str(port),
    }
    command = [sys.executable, "-m", "worker.cli.main", "flower"]
    log = tmp_path / "flower.log"
    root = Path(__file__).parents[3]
    with running(command, log=log, env=environment(settings), cwd=root) as process:
        started = Page(process, port)
        wait_until(started.answers, 40, process.tail, interval=0.2)
        yield started


def test_flower_starts_without_a_broker_and_finds_it_when_it_comes(
    page: Page, broker: ValkeyServer
) -> None:
    assert page.status("/", None) == 401
    assert page.status("/api/workers", ("olga", "guessed")) == 401
    assert page.status("/") == 200
    assert "upkeep" not in page.broker()

    broker.start()

    wait_until(lambda: "upkeep" in page.broker(), 30, page.process.tail, interval=0.2)
    with broker.client() as server:
        server.set("npd", "no queue")
    assert "upkeep" in page.broker()


def test_flower_writes_its_password_nowhere(page: Page) -> None:
    page.status("/")

    assert LOGIN[1] not in page.process.output()
    assert LOGIN[1] not in " ".join(psutil.Process(page.process.pid).cmdline())


def test_flower_ends_cleanly_when_it_is_asked_to(page: Page) -> None:
    assert page.process.stop() == 0
