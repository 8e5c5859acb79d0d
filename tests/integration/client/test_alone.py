"""The client in a shop's own environment: its wheel and three libraries, beside the shop's code."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import redis
from cryptography.fernet import Fernet

from tests.support.processes.alone import install_alone
from tests.support.servers.valkey import ValkeyServer

pytestmark = pytest.mark.slow

#: Names that are common: a shop has packages that are called so, too.
THEIRS: Final = ("config", "worker", "tasks")
ABSENT: Final = ("celery", "kombu", "sqlalchemy", "zeep", "lxml", "flower", "structlog")
_SHOP: Final = """
import config, json, sys, tasks, worker
from importlib.util import find_spec
from uprid_client import Client

client = Client(sys.argv[1], [sys.argv[2]])
message = client.moneta.start_identification("order-1", 1_001)
[event] = client.events("shop", "one", block=0.1, quiet=1.0)
print(json.dumps({
    "message": message,
    "event": [event.id, event.type, event.data["state"]],
    "theirs": [config.THEIRS, tasks.THEIRS, worker.THEIRS],
    "found": [name for name in sys.argv[3:] if find_spec(name) is not None],
}))
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[Path]:
    """A shop's folder, with an environment of its own in `.venv`."""
    with TemporaryDirectory(prefix="uprid-shop-") as made:
        folder = Path(made)
        for name in THEIRS:
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text("THEIRS = True\n", "utf-8")
        install_alone(folder, "client", "cryptography", "pydantic", "redis")
        yield folder


def _told(server: redis.Redis) -> None:
    server.xadd(
        "uprid:events",
        {
            "specversion": "1.0",
            "id": "event-1",
            "source": "uprid-worker",
            "type": "uprid.operation.succeeded",
            "subject": "order-1",
            "time": "2026-11-21T12:00:00.000Z",
            "datacontenttype": "application/json",
            "data": json.dumps({"state": "succeeded"}),
        },
    )


@pytest.fixture
def said(shop: Path, valkey: ValkeyServer) -> dict[str, Any]:
    """What the shop's program prints."""
    with redis.Redis.from_url(valkey.url) as server:
        _told(server)
    ran = subprocess.run(
        [
            *(shop / ".venv/bin/python", "-c", _SHOP, valkey.url),
            *(Fernet.generate_key().decode(), *ABSENT),
        ],
        cwd=shop,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_client_works_beside_packages_of_the_shop_that_are_called_as_the_workers(
    said: dict[str, Any], valkey: ValkeyServer
) -> None:
    with redis.Redis.from_url(valkey.url, decode_responses=True) as server:
        [entry] = server.lrange("moneta", 0, -1)

    assert json.loads(entry)["headers"]["id"] == said["message"]
    assert said["event"] == ["event-1", "uprid.operation.succeeded", "succeeded"]
    assert said["theirs"] == [True, True, True]
    assert said["found"] == []
