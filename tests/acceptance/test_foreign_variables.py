"""Started where another Celery app is set up: its variables and files change nothing of ours."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import requests

from tests.support.loopback.server import LoopbackServer, free_port
from tests.support.messages.marketplace import ACCEPTED
from tests.support.processes.child import PATIENCE, environment, wait_until
from tests.support.processes.system import SEAL_KEY, System, system
from tests.support.servers.fresh import ValkeyServer

_LOGIN: Final = ("olga", "very-secret")
_FILES: Final = {
    "celeryconfig.py": "broker_url = broker_read_url = '{theirs}'\ntask_always_eager = True\n",
    "flowerconfig.py": "raise SystemExit('their flowerconfig was run')\n",
    "tasks/__init__.py": "raise SystemExit('their tasks were imported')\n",
    "tasks/moneta.py": "",
}
_ENQUEUE: Final = """
import sys
from uprid_client import Client
client = Client(sys.argv[1], [sys.argv[2]])
client.moneta.start_identification("foreign", 1_000)
"""


class TheirBroker(LoopbackServer):
    """Another app's broker: closes connections, and counts them."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"


def variables(theirs: str) -> dict[str, str]:
    """What Celery, kombu, billiard and Flower read of the environment, each set to their liking."""
    return {
        **dict.fromkeys(
            (
                "CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL",
                "BROKER_URL", "CELERY_RESULT_BACKEND", "RESULT_BACKEND",
            ),
            theirs,
        ),
        "CELERY_CONFIG_MODULE": "celeryconfig", "CONFIG_MODULE": "celeryconfig",
        "CELERY_LOADER": "theirs.Loader", "LOADER": "theirs.Loader",
        "CELERY_TASK_ALWAYS_EAGER": "true", "CELERY_QUEUES": "theirs", "CELERY_APP": "theirs",
        "APP": "theirs",
        "CELERY_WORKER_QUEUES": "theirs", "CELERY_WORKER_CONCURRENCY": "1",
        "CELERY_CUSTOM_WORKER_POOL": "theirs:Pool", "CELERY_WORKER_REVOKES_MAX": "many",
        "CELERY_BENCH": "1", "CELERY_BENCH_EVERY": "many", "CELERY_TRACE_APP": "1",
        "C_STRICT_APP": "1", "C_FAKEFORK": "1", "C_WNOCONF": "1", "PICKLE_PROTOCOL": "many",
        "KOMBU_LOG_DEBUG": "1", "FORKED_BY_MULTIPROCESSING": "1", "REMAP_SIGTERM": "SIGQUIT",
        "DJANGO_SETTINGS_MODULE": "theirs.settings",
        "FLOWER_BROKER_API": "no address", "FLOWER_CONF": "no file",
    }  # fmt: skip


@pytest.fixture(scope="module")
def theirs() -> Iterator[TheirBroker]:
    with TheirBroker() as listening:
        yield listening


@pytest.fixture(scope="module")
def whole(
    theirs: TheirBroker,
    broker: ValkeyServer,
    sqlite_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("foreign")
    for name, text in _FILES.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text.format(theirs=theirs.url))
    settings = {
        **variables(theirs.url),
        "FLOWER_BASIC_AUTH": ":".join(_LOGIN),
        "FLOWER_PORT": str(free_port()),
    }
    with system(directory, broker, sqlite_url, settings) as made:
        made.start_sandbox(delay=0.2)
        made.start("worker", "poller", "beat", "flower")
        made.wait_until_started("worker", "poller")
        yield made


def test_processes_and_client_use_our_broker_alone(
    whole: System, theirs: TheirBroker, tmp_path: Path
) -> None:
    # What breaks the import of Celery itself is nothing that a client in their process could see.
    breaking = {"PICKLE_PROTOCOL", "CELERY_BENCH_EVERY", "CELERY_WORKER_REVOKES_MAX"}
    kept = {k: v for k, v in variables(theirs.url).items() if k not in breaking}
    (tmp_path / "celeryconfig.py").write_text(
        _FILES["celeryconfig.py"].format(theirs=theirs.url), "utf-8"
    )
    subprocess.run(
        [sys.executable, "-c", _ENQUEUE, whole.settings["REDIS_URL"], SEAL_KEY],
        env=environment({**kept, "PYTHONPATH": str(tmp_path)}),
        cwd=tmp_path,
        check=True,
        timeout=60 * PATIENCE,
    )

    whole.marketplace.wait_for(["foreign"], [ACCEPTED])
    whole.marketplace.wait_for(["foreign"], timeout=40)
    whole.process("beat").wait_for_output("Sending due task", 40)
    assert theirs.connections == 0


def test_banners_name_our_broker(whole: System, theirs: TheirBroker) -> None:
    # Celery shows a masked password where there is none.
    ours = whole.settings["REDIS_URL"].partition("://")[2]
    for name in ("worker", "poller", "beat"):
        whole.process(name).wait_for_output(ours, 40)
        assert theirs.url.partition("@")[2] not in whole.log_of(name)


def test_flower_shows_our_queues(whole: System, theirs: TheirBroker) -> None:
    url = f"http://127.0.0.1:{whole.settings['FLOWER_PORT']}/broker"

    def shown() -> bool:
        try:
            return "upkeep" in requests.get(url, auth=_LOGIN, timeout=60).text
        except requests.ConnectionError:
            return False

    wait_until(shown, 40, whole.process("flower").tail, interval=0.2)
    assert theirs.connections == 0


def test_stop_stays_a_clean_one(whole: System) -> None:
    worker = whole.process("worker")

    worker.send(signal.SIGTERM)

    assert worker.wait(30) == 0, worker.tail()
    assert "worker_left" in worker.output()
    whole.forget("worker")
