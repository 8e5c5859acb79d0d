"""What every command says, and how it exits, when it is set or used wrongly. Real processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.child import PATIENCE, environment
from tests.support.processes.command import uprid

CLI = [sys.executable, "-m", "worker.cli.main"]
CELERY = [sys.executable, "-m", "celery", "-A", "worker.process.app"]
ROOT = Path(__file__).parents[3]
KEYS = ("UPRID_SEAL_KEYS", "UPRID_FINGERPRINT_KEY")


def run(command: list[str], **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("role", ["worker", "poller"])
def test_role_names_all_that_is_missing_when_nothing_is_set(role: str) -> None:
    ended = run([*CLI, role])

    assert ended.returncode == 2
    assert [line.partition(":")[0] for line in ended.stderr.splitlines()] == ["REDIS_URL", *KEYS]
    assert ended.stdout == ""


def test_role_names_every_contradiction_at_once() -> None:
    ended = run(
        [*CLI, "poller"],
        REDIS_URL="http://broker",
        UPRID_SEAL_KEYS="no key",
        UPRID_ENGINE__MAX_COUNTDOWN="900",
        UPRID_ENGINE__HEARTBEAT="5",
        UPRID_MONETTA__URL="https://typed.wrong",
    )

    assert ended.returncode == 2
    for name in ("REDIS_URL", *KEYS, "VISIBILITY_TIMEOUT", "LEASE_SILENCE", "UPRID_MONETTA"):
        assert name in ended.stderr, ended.stderr
    assert "no key" not in ended.stderr


@pytest.mark.parametrize("command", ["worker", "beat", "flower"])
def test_celery_exits_with_2_when_nothing_is_set(command: str) -> None:
    ended = run([*CELERY, command])

    assert ended.returncode == 2
    assert "REDIS_URL: is missing" in ended.stderr


@pytest.mark.parametrize(
    "given",
    ["", "olga", "olga:", ":secret", "olga:secret,", "olga:secret\n,", "olga:se\ncret", "\n"],
)
def test_flower_refuses_to_start_without_a_password(given: str) -> None:
    ended = uprid({"REDIS_URL": "redis://127.0.0.1:1/0", "FLOWER_BASIC_AUTH": given}, "flower")

    assert (ended.status, len(ended.lines)) == (2, 1)
    assert ended.lines[0].startswith("FLOWER_BASIC_AUTH: ")
    assert "secret" not in ended.err


@pytest.mark.parametrize(
    "command", [["worker"], ["migrate"], ["list"], ["doctor"], ["invoices", "export"], ["flower"]]
)
def test_database_address_that_is_none_is_named_by_its_part_before_anything_else(
    command: list[str],
) -> None:
    keys = dict(line.split("=", 1) for line in uprid({}, "keys", "generate").out.splitlines())
    given = {"REDIS_URL": "redis://127.0.0.1:1/0", "FLOWER_BASIC_AUTH": "olga:secret", **keys}

    for address, part in {
        "postgresql://uprid:Lark/spur@127.0.0.1/d": "percent-encode",
        "postgresql://uprid:Larkspur@127.0.0.1/d?pgbouncer=true": "pgbouncer",
    }.items():
        ended = uprid({**given, "DATABASE_URL": address}, *command)

        assert ended.status == 2
        [line] = ended.lines
        assert "DATABASE_URL: " in line
        assert part in line
        assert "spur" not in ended.err + ended.out


def test_doctor_gives_faulty_settings_as_json_too() -> None:
    ended = uprid({}, "doctor", "--json")

    told = json.loads(ended.out)
    assert (ended.status, told["ok"]) == (2, False)
    settings = [found["detail"] for found in told["findings"] if found["what"] == "settings"]
    assert [detail.partition(":")[0] for detail in settings] == ["REDIS_URL", *KEYS]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["nothing"], id="unknown command"),
        pytest.param(["list", "--state", "lost"], id="unknown state"),
        pytest.param(["enqueue", "bank", "-"], id="unknown provider"),
        pytest.param(["show"], id="no reference"),
        pytest.param(["events", "replay"], id="no time"),
        pytest.param(["events", "tail", "--all", "--from", "1-0"], id="two beginnings"),
        pytest.param(["events", "tail", "--from", "yesterday"], id="no stream id"),
        pytest.param(["sandbox", "--anonymous-group-id", "102"], id="groups that do not differ"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    ended = uprid({"REDIS_URL": "redis://127.0.0.1:1/0"}, *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err


def test_generated_keys_are_settings_that_a_worker_takes() -> None:
    made = dict(line.split("=", 1) for line in uprid({}, "keys", "generate").out.splitlines())

    assert tuple(made) == KEYS
    again = run([*CLI, "worker"], **made)
    assert [line.partition(":")[0] for line in again.stderr.splitlines()] == ["REDIS_URL"]


def test_sandbox_lists_its_scenarios() -> None:
    ended = uprid({}, "sandbox", "--scenarios")

    assert ended.status == 0
    assert "rejected_500_7_3" in ended.out
