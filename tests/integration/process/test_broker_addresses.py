"""An address that cannot be used ends every command at its start, without a part of it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.processes.child import PATIENCE, environment
from tests.support.processes.command import uprid
from uprid_client.sealing import new_key

_ROOT: Final = Path(__file__).parents[3]
_CELERY: Final = [sys.executable, "-m", "celery", "-A", "worker.process.app"]
_COMMANDS: Final = (
    ["worker"], ["poller"], ["beat"], ["flower"], ["doctor"], ["events", "tail", "--no-follow"],
    ["enqueue", "moneta", "-"], ["retry", "a", "--note", "n"], ["pause", "moneta", "--note", "n"],
)  # fmt: skip


def settings_of(address: str) -> dict[str, str]:
    return {
        "REDIS_URL": address,
        "UPRID_SEAL_KEYS": new_key(),
        "UPRID_FINGERPRINT_KEY": "f" * 32,
        "FLOWER_BASIC_AUTH": "olga:very-secret",
    }


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("address", "said"),
    [
        pytest.param("redis://:Secret123#x@127.0.0.1/0", "percent-encode", id="hash"),
        pytest.param("rediss://:Secret123@h?ssl_ca_certs=/nowhere", "ssl_ca_certs", id="no file"),
        pytest.param("redis://:Secret123@h:70000", "port", id="port"),
    ],
)
def test_command_ends_with_2_and_one_line(command: list[str], address: str, said: str) -> None:
    ended = uprid(settings_of(address), *command)

    assert ended.status == 2
    [line] = ended.lines
    assert "REDIS_URL: " in line
    assert said in line
    assert "Secret" not in ended.err + ended.out
    assert "Traceback" not in ended.err


def test_celerys_own_command_line_ends_in_the_same_way() -> None:
    ended = subprocess.run(
        [*_CELERY, "worker"],
        env=environment(settings_of("redis://:Secret123#x@127.0.0.1/0")),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert ended.stderr.startswith("REDIS_URL: ")
    assert "Secret" not in ended.stderr + ended.stdout


def test_line_ends_and_blanks_around_an_address_do_not_count() -> None:
    ended = uprid(settings_of(" redis://127.0.0.1:1/0\n"), "events", "tail", "--no-follow")

    assert ended.status == 1
    assert "no connection" in ended.lines[0].lower()
