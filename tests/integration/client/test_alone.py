"""The client in a shop's own environment: its wheel and three libraries, beside the shop's code."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import redis
from cryptography.fernet import Fernet
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.servers.valkey import ValkeyServer

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[3]
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


def _needed(name: str, found: set[str]) -> set[str]:
    """Return a library and all that it needs, as it is installed here."""
    if name not in found:
        found.add(name)
        for line in distribution(name).requires or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                _needed(canonicalize_name(wanted.name), found)
    return found


@pytest.fixture(scope="module")
def shop() -> Iterator[Path]:
    """A shop's folder, with an environment of its own in `.venv`."""
    with TemporaryDirectory(prefix="uprid-shop-") as made:
        folder = Path(made)
        for name in THEIRS:
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text("THEIRS = True\n", "utf-8")
        venv.create(folder / ".venv", with_pip=False)
        [packages] = (folder / ".venv").glob("lib/*/site-packages")
        _install(packages)
        yield folder


def _install(packages: Path) -> None:
    """Install the client's wheel, and the libraries that it needs as they lie here.

    No index is asked: the versions are those that everything else is tested with.
    """
    for name in set().union(
        *(_needed(each, set()) for each in ("cryptography", "pydantic", "redis"))
    ):
        for file in distribution(name).files or ():
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.is_file():
                target = packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
    with TemporaryDirectory(prefix="uprid-client-") as made:
        # A build leaves folders beside the code.
        source = copytree(
            ROOT / "client", Path(made, "client"), ignore=ignore_patterns("*.egg-info", "build")
        )
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install"),
                *("--no-deps", "--no-index", "--no-build-isolation", "--target", packages, source),
            ],
            check=True,
            timeout=300,
        )


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
