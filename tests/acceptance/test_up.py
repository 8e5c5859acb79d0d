"""`uprid up` as a person runs it: real processes, from its first line to nothing left behind."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import pytest
import requests

from config.settings import load
from tests.support.loopback.server import free_port
from tests.support.processes.child import Process, running, wait_until
from tests.support.processes.shipped import environment, local_programs
from uprid_client import Client
from worker.local import secretfile

pytestmark = pytest.mark.slow

_UP: Final = ("uprid", "up", "--quiet")
#: Seconds; five interpreters start on two shared cores.
_READY: Final = 90.0
_STOPPED: Final = 60.0


def local(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of an installation with the extra `local`."""
    return environment(settings, local_programs())


@contextmanager
def up(
    directory: Path, *options: str, settings: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Run `uprid up` in a directory of its own, ready for use."""
    log = directory / "up.log"
    with running([*_UP, *options], log=log, env=local(settings), cwd=directory) as process:
        process.wait_for_output("ready", _READY)
        yield process


def _family(process: Process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _left(family: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def _named(family: list[psutil.Process], role: str) -> psutil.Process:
    return next(each for each in family if role in each.cmdline())


def _status_of_flower(port: int, auth: tuple[str, str] | None) -> int:
    try:
        return requests.get(f"http://127.0.0.1:{port}/workers", auth=auth, timeout=60).status_code
    except requests.ConnectionError:
        return 0


def test_up_serves_and_stops_in_order_leaving_nothing_behind_when_it_is_interrupted(
    tmp_path: Path,
) -> None:
    port = free_port()
    options = ("--sandbox", "--flower", "--pollers", "2")
    with up(tmp_path, *options, settings={"FLOWER_PORT": str(port)}) as process:
        family = _family(process)
        told = secretfile.read(tmp_path / "var" / "up.env")
        assert (tmp_path / "var" / "up.env").stat().st_mode & 0o777 == 0o600
        # Another shell with these settings, and no others, speaks with it.
        settings = load((), told)
        client = Client(settings.broker_url, [told["UPRID_SEAL_KEYS"]])
        client.moneta.start_identification("order-1", 41_000)
        types = [
            event.type.rpartition(".")[2]
            for event in client.events("test", "test", block=0.5, quiet=5)
        ]
        client.close()
        assert types == ["accepted", "started", "succeeded"]

        wait_until(lambda: _status_of_flower(port, None) == 401, 30, "Flower")
        name, _, password = told["FLOWER_BASIC_AUTH"].partition(":")
        assert _status_of_flower(port, (name, password)) == 200

        second = [*_UP, "--sandbox"]
        with running(second, log=tmp_path / "second.log", env=local(), cwd=tmp_path) as other:
            assert other.wait(60) == 1
            assert "already: stop it first" in other.output()

        process.send(signal.SIGINT)
        assert process.wait(_STOPPED) == 0
    said = process.output()
    assert [line.split()[1] for line in said.splitlines() if line.startswith("stopped")] == [
        "worker-1", "poller-1", "poller-2", "beat", "flower", "sandbox", "broker",
    ]  # fmt: skip
    assert "killed" not in said
    assert "\x1b" not in said
    assert not _left(family)
    assert not (tmp_path / "var" / "up.env").exists()


@pytest.mark.exhaustive
def test_up_ends_with_1_and_names_who_died_when_a_process_dies(tmp_path: Path) -> None:
    with up(tmp_path, "--sandbox") as process:
        family = _family(process)
        _named(family, "poller").kill()
        assert process.wait(_STOPPED) == 1
    assert "poller-1 ended with status -9" in process.output()
    assert "worker_started" in process.output()
    assert not _left(family)


def test_nothing_lives_on_when_up_is_killed(tmp_path: Path) -> None:
    with up(tmp_path, "--sandbox") as process:
        family = _family(process)
        assert len(family) >= 6
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not _left(family), _STOPPED, lambda: f"the end of {_left(family)}")


def test_up_exits_2_and_names_all_that_is_missing_without_settings(tmp_path: Path) -> None:
    with running(_UP, log=tmp_path / "up.log", env=local(), cwd=tmp_path) as process:
        assert process.wait(60) == 2
    for missing in ("UPRID_SEAL_KEYS", "UPRID_FINGERPRINT_KEY", "UPRID_MONETA__URL"):
        assert f"{missing}: is missing" in process.output()
    assert "uprid keys generate" in process.output()
