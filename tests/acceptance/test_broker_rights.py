"""The whole worker with the broker user that the runbook describes: it asks for nothing more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from tests.support.messages.marketplace import Marketplace
from tests.support.processes.child import wait_until
from tests.support.processes.system import SEAL_KEY, System, system
from tests.support.servers.broker_rights import rules_of_a_worker
from tests.support.servers.fresh import ValkeyServer
from tests.support.servers.redis_server import RedisServer, redis_server

_PASSWORD: Final = "TopSecret"
#: Users with the same rights, so that the server's log says who asked for more.
_PROCESSES: Final = "worker"
_COMMANDS: Final = "commands"
#: Messages that a killed worker held come back within seconds, by rights of their own.
_SOON: Final = {
    "UPRID_ENGINE__VISIBILITY_TIMEOUT": "6",
    "UPRID_ENGINE__MAX_COUNTDOWN": "4",
}


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server({"requirepass": _PASSWORD}, password=_PASSWORD) as made:
        yield made


@pytest.fixture(scope="module")
def admin(server: RedisServer) -> Iterator[Any]:
    with server.client(password=_PASSWORD) as client:
        asked = cast("Any", client)
        rules = rules_of_a_worker().split()
        for user in (_PROCESSES, _COMMANDS):
            asked.execute_command("ACL", "SETUSER", user, "on", ">w", "-@all", *rules)
        yield asked


@pytest.fixture(scope="module")
def whole(
    server: RedisServer,
    admin: Any,  # noqa: ANN401 - redis-py's client
    shared_valkey: ValkeyServer,
    sqlite_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    del admin
    settings = {"REDIS_URL": _address(server, _PROCESSES), **_SOON}
    with system(tmp_path_factory.mktemp("rights"), shared_valkey, sqlite_url, settings) as made:
        # Another program's rights, which are not looked at here.
        made.marketplace = Marketplace(_address(server, "", _PASSWORD), SEAL_KEY)
        made.start_sandbox(delay=0.2)
        made.start("worker", "poller", "beat")
        made.wait_until_started("worker", "poller")
        yield made


def test_worker_runs_whole_and_asks_for_nothing_that_it_may_not(
    whole: System,
    admin: Any,  # noqa: ANN401 - redis-py's client
) -> None:
    # What is no message, a queue that is none, a broadcast that is none, and a message that is
    # held by a process that is gone: each has its own way, and its own rights.
    for queue in ("moneta", "moneta.chunks", "upkeep"):
        admin.rpush(queue, "x")
    admin.set("npd", "no queue")
    admin.publish("/0.celery.pidbox", "x")
    admin.hset("unacked", "gone", '[{"body": 1}, "", "moneta"]')
    admin.zadd("unacked_index", {"gone": 1})
    whole.marketplace.start("rights", 1_000)
    ends = whole.marketplace.wait_for(["rights"], timeout=60)

    assert ends["rights"][0].type == "uprid.operation.succeeded"
    wait_until(lambda: len(admin.hgetall("uprid:unreadable:counts")) == 3, 30, "all were counted")
    wait_until(lambda: "queue_is_no_list" in whole.log_of("worker"), 30, "npd's type was looked at")
    wait_until(lambda: not admin.zscore("unacked_index", "gone"), 90, "what was held came back")
    whole.process("beat").wait_for_output("Sending due task", 40)
    admin.delete("npd")
    whole.uprid("show", "rights")
    whole.uprid("pause", "npd", "--note", "a test")
    whole.stop("beat", "poller", "worker")
    assert _refused(admin, _PROCESSES) == []


def test_commands_and_doctor_ask_for_little_more(
    whole: System,
    server: RedisServer,
    admin: Any,  # noqa: ANN401 - redis-py's client
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(whole.settings, "REDIS_URL", _address(server, _COMMANDS))
    file = tmp_path / "file.json"
    file.write_text('{"reference": "typed", "unit_id": 2000}')

    whole.uprid("enqueue", "moneta", str(file))
    whole.uprid("doctor")

    assert set(_refused(admin, _COMMANDS)) <= {"info", "xrevrange"}


def _address(server: RedisServer, user: str, password: str = "w") -> str:
    return f"redis://{user}:{password}@127.0.0.1:{server.port}/0"


def _refused(admin: Any, user: str) -> list[str]:  # noqa: ANN401 - redis-py's client
    """Return what a user asked for and may not."""
    return [each["object"] for each in admin.acl_log() if each["username"] == user]
