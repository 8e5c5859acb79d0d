"""A fifth provider: its folder, settings block, contract models, task module and a line of an enum.

Processes of a copy of the product that has these five, and no other change, work for it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from cryptography.fernet import Fernet

from tests.support.loopback.http_stub import HttpStub, said
from tests.support.messages.marketplace import Marketplace
from tests.support.processes.child import environment, running
from tests.support.providers import toy_provider
from tests.support.servers.fresh import ValkeyServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEY: Final = Fernet.generate_key().decode()
#: Polls that find the job under way, before the one that finds it done.
_LOOKS: Final = 2


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product with a fifth provider."""
    return toy_provider.add_to_copy(tmp_path_factory.mktemp("product"))


@pytest.fixture
def host() -> Iterator[HttpStub]:
    """The fifth provider's host."""
    under_way, done = said({"id": 7, "done": False}), said({"id": 7, "done": True})
    with HttpStub(under_way, *[under_way] * _LOOKS, done) as stub:
        yield stub


@pytest.fixture
def surroundings(
    product: Path, host: HttpStub, broker: ValkeyServer, sqlite_url: str
) -> Mapping[str, str]:
    """The variables of the copy's processes: no provider but the fifth is on."""
    settings = {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": broker.url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": KEY,
        "UPRID_ENGINE__SLOT": "0.25",
        "UPRID_TOY__URL": host.url,
        "PYTHONPATH": str(product),
    }
    return environment(settings)


def uprid(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "worker.cli.main", *arguments]


def test_operation_of_a_fifth_provider_goes_from_message_to_event(
    product: Path, host: HttpStub, broker: ValkeyServer, surroundings: Mapping[str, str]
) -> None:
    roles = {name: product / f"{name}.log" for name in ("worker", "poller")}
    with (
        running(uprid("worker"), log=roles["worker"], env=surroundings, cwd=product) as worker,
        running(uprid("poller"), log=roles["poller"], env=surroundings, cwd=product) as poller,
        Marketplace(broker.url, KEY) as marketplace,
    ):
        for process in (worker, poller):
            process.wait_for_output("worker_started", timeout=40)
        refused = marketplace.send("tasks.toy.start_count", "toy", reference="toy-0", amount="many")
        marketplace.send("tasks.toy.start_count", "toy", reference="toy-1", amount=3)
        [[end]] = marketplace.wait_for(["toy-1"], timeout=60).values()

        assert (end.type, end.data["provider"]) == ("uprid.operation.succeeded", "toy")
        assert end.data["result"] == {"looks": _LOOKS}
        assert marketplace.wait_for_refusal(refused).data["fields"] == ["amount"]
    assert [(each.method, each.path) for each in host.asked] == [
        ("POST", "/services/jobs"),
        *[("GET", "/services/jobs/7")] * (_LOOKS + 1),
    ]


_FOUND: Final = """
from config.settings import load
from worker.cli.doctor.providers import looks_at_providers

for look in looks_at_providers(load()):
    for found in look.findings():
        print(found.what)
"""


def test_doctor_looks_at_a_fifth_provider(product: Path, surroundings: Mapping[str, str]) -> None:
    found = subprocess.run(
        [sys.executable, "-P", "-c", _FOUND],
        env=surroundings,
        cwd=product,
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.split("\n")[:2] == ["toy settings", "toy host"]


def linted(product: Path) -> "subprocess.CompletedProcess[str]":
    """Hold the copy against the contracts of imports."""
    linter = shutil.which("lint-imports", path=Path(sys.executable).parent)
    assert linter is not None
    return subprocess.run(
        [linter, "--no-cache"],
        env={**os.environ, "PYTHONPATH": str(product)},
        cwd=product,
        capture_output=True,
        text=True,
        check=False,
    )


def test_fifth_provider_does_not_escape_the_contracts_of_imports(product: Path) -> None:
    engine = product / "worker" / "engine"
    kept = linted(product)
    (engine / "shortcut.py").write_text("import worker.providers.toy.types\n", "utf-8")
    broken = linted(product)
    (engine / "shortcut.py").unlink()

    assert kept.returncode == 0, kept.stdout
    assert broken.returncode == 1
    assert "worker.engine.shortcut -> worker.providers.toy.types" in broken.stdout
