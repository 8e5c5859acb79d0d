"""A Redis server that refuses: what the doctor, a worker and a client say, and what they do."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, cast

import pytest
import redis

from tests.support.engine.schema import bring_to_newest
from tests.support.loopback.server import free_port, silent_port
from tests.support.processes.child import Process, environment, running, wait_until
from tests.support.processes.command import uprid
from tests.support.servers.broker_rights import rules_of_a_worker
from tests.support.servers.fresh import SqliteFiles
from tests.support.servers.redis_server import RedisServer, redis_server
from uprid_client import Client
from uprid_client.errors import BrokerUnavailable
from uprid_client.sealing import new_key

PASSWORD: Final = "TopSecret"
_ROOT: Final = Path(__file__).parents[3]
#: What a worker does at a server, as the runbook has it for operators.
_RULES: Final = rules_of_a_worker()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server({"requirepass": PASSWORD, "databases": 4}, password=PASSWORD) as made:
        yield made


@pytest.fixture(scope="module")
def admin(server: RedisServer) -> Iterator["redis.Redis"]:
    with server.client(password=PASSWORD) as client:
        yield client


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisServer]:
    """A Redis Cluster of one server that has every slot."""
    lines = {"cluster-enabled": "yes", "cluster-port": free_port()}
    with redis_server(lines) as made, made.client() as client:
        asked = cast("Any", client)
        asked.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until(lambda: asked.execute_command("CLUSTER INFO")["cluster_state"] == "ok", 20, "ok")
        yield made


@pytest.fixture(scope="module")
def database_url(sqlite: SqliteFiles) -> Iterator[str]:
    url = sqlite.create_database(bring_to_newest)
    yield url
    sqlite.drop_database(url)


def settings_of(url: str, database_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": url,
        "DATABASE_URL": database_url,
        "UPRID_SEAL_KEYS": new_key(),
        "UPRID_FINGERPRINT_KEY": "f" * 32,
        "FLOWER_BASIC_AUTH": "olga:very-secret",
    }


def faults(url: str, database_url: str) -> dict[str, str]:
    """Return what the doctor finds wrong with the broker; the rest of its report is there, too."""
    ended = uprid(settings_of(url, database_url), "doctor", "--json")
    found = json.loads(ended.out)["findings"]
    assert {"settings", "database", "seal keys", "outbox", "providers"} <= {
        each["what"] for each in found
    }
    wrong = {each["what"]: each["detail"] for each in found if each["level"] == "fault"}
    assert ended.status == int(bool(wrong))
    assert PASSWORD not in ended.out + ended.err
    assert not any("\n" in detail for detail in wrong.values())
    return wrong


def address(server: RedisServer, userinfo: str = f":{PASSWORD}@", rest: str = "/0") -> str:
    return f"redis://{userinfo}127.0.0.1:{server.port}{rest}"


@pytest.mark.parametrize(
    ("userinfo", "rest", "said"),
    [
        pytest.param("", "/0", "wants a password", id="no password"),
        pytest.param(":wrong@", "/0", "refuses the user name or the password", id="wrong one"),
        pytest.param("nobody:wrong@", "/0", "refuses the user name", id="unknown user"),
        pytest.param(f":{PASSWORD}@", "/9", "no database of that number", id="database"),
    ],
)
def test_doctor_says_what_is_wrong_with_the_address(
    server: RedisServer, database_url: str, userinfo: str, rest: str, said: str
) -> None:
    assert said in faults(address(server, userinfo, rest), database_url)["broker"]


def full(admin: "redis.Redis") -> None:
    admin.config_set("maxmemory", 1)


def replica(admin: "redis.Redis") -> None:
    admin.replicaof("127.0.0.1", "1")


def without_replicas(admin: "redis.Redis") -> None:
    admin.config_set("min-replicas-to-write", 1)


def sound(admin: "redis.Redis") -> None:
    admin.config_set("maxmemory", 0)
    admin.config_set("min-replicas-to-write", 0)
    admin.replicaof("NO", "ONE")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param(full, "no memory left", id="OOM"),
        pytest.param(replica, "is a replica", id="READONLY"),
        pytest.param(without_replicas, "too few replicas", id="NOREPLICAS"),
    ],
)
def test_doctor_says_why_the_server_takes_no_writes(
    server: RedisServer,
    admin: "redis.Redis",
    database_url: str,
    state: Callable[["redis.Redis"], None],
    said: str,
) -> None:
    state(admin)
    try:
        assert said in faults(address(server), database_url)["broker writes"]
    finally:
        sound(admin)
    assert faults(address(server), database_url) == {}


def test_doctor_says_that_no_more_clients_are_taken(
    server: RedisServer, admin: "redis.Redis", database_url: str
) -> None:
    admin.config_set("maxclients", 2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        told = faults(address(server), database_url)
    wait_until(lambda: admin.config_set("maxclients", 100), 10, "room")

    assert "raise its maxclients" in told["broker"]


def set_user(admin: "redis.Redis", rules: str) -> None:
    asked = cast("Any", admin)
    asked.execute_command("ACL", "SETUSER", "w", "reset", "on", ">w", "-@all", *rules.split())


@pytest.mark.parametrize(
    "missing",
    [
        "+lpush", "+brpop", "+xadd", "+xinfo|stream", "+time", "+zrangebyscore", "+evalsha",
        "+multi", "+hset", "+publish", "+type", "+ltrim", "+hincrby",
        "~moneta*", "~unacked", "~uprid:slot:*", "~uprid:events", "~uprid:unreadable",
        "~uprid:unreadable:counts", "&/0.celery.pidbox",
    ],
)  # fmt: skip
def test_doctor_names_a_missing_right_with_the_line_to_type(
    server: RedisServer, admin: "redis.Redis", database_url: str, missing: str
) -> None:
    set_user(admin, " ".join(rule for rule in _RULES.split() if rule != missing))

    told = faults(address(server, "w:w@"), database_url)

    [line] = told.values()
    assert "ACL SETUSER " in line
    assert missing in line.split("ACL SETUSER ")[1].split()


def test_doctor_names_every_missing_right_at_once_and_changes_nothing(
    server: RedisServer, admin: "redis.Redis", database_url: str
) -> None:
    set_user(admin, _RULES.replace("+lpush ", "").replace("+xadd ", "").replace("~npd* ", ""))
    before = admin.dbsize()

    told = faults(address(server, "w:w@"), database_url)

    rules = told["broker rights"].split("ACL SETUSER w ")[1].split()
    assert {"+lpush", "+xadd", "~npd*"} <= set(rules)
    assert admin.dbsize() == before


def test_doctor_is_content_with_the_rights_of_a_worker(
    server: RedisServer, admin: "redis.Redis", database_url: str
) -> None:
    set_user(admin, _RULES)

    assert faults(address(server, "w:w@"), database_url) == {}


def test_doctor_knows_a_web_server_from_a_redis(database_url: str) -> None:
    with silent_port() as port:
        told = faults(f"redis://127.0.0.1:{port}/0", database_url)["broker"]
    assert "no answer in time" in told
    away = faults("redis://127.0.0.1:1/0", database_url)["broker"]
    assert "look whether it runs" in away
    assert "host name is not known" in faults("redis://no.such.invalid/0", database_url)["broker"]


# What only another address can change


@pytest.mark.parametrize("command", ["worker", "poller", "beat", "flower"])
def test_cluster_is_refused_at_the_start_in_one_line(
    cluster: RedisServer, database_url: str, command: str
) -> None:
    ended = uprid(settings_of(cluster.url, database_url), command)

    assert ended.status == 2
    [line] = ended.lines
    assert line.startswith("REDIS_URL: it is a Redis Cluster")


def test_cluster_is_refused_for_the_stream_too(
    cluster: RedisServer, server: RedisServer, database_url: str
) -> None:
    settings = settings_of(address(server), database_url)
    ended = uprid({**settings, "UPRID_EVENTS__REDIS_URL": cluster.url}, "worker")

    assert (ended.status, len(ended.lines)) == (2, 1)
    assert ended.lines[0].startswith("UPRID_EVENTS__REDIS_URL: it is a Redis Cluster")


def test_doctor_and_client_refuse_a_cluster(cluster: RedisServer, database_url: str) -> None:
    assert "is a Redis Cluster" in faults(cluster.url, database_url)["broker"]
    client = Client(cluster.url, [new_key()])
    with pytest.raises(BrokerUnavailable, match="is a Redis Cluster"):
        client.moneta.start_identification("cluster", 1_000)


def test_database_that_the_server_lacks_is_refused_at_the_start(
    server: RedisServer, database_url: str
) -> None:
    ended = uprid(settings_of(address(server, rest="/9"), database_url), "worker")

    assert (ended.status, len(ended.lines)) == (2, 1)
    assert "no database of that number" in ended.lines[0]


# What is waited for


def started(settings: dict[str, str], log: Path, command: str = "worker") -> Any:  # noqa: ANN401
    return running(
        [sys.executable, "-m", "worker.cli.main", command],
        log=log,
        env=environment({**settings, "FLOWER_PORT": str(free_port())}),
        cwd=_ROOT,
    )


def lines_with(process: Process, text: str) -> int:
    return sum(text in line for line in process.output().splitlines())


def test_worker_waits_for_a_right_says_so_once_and_goes_on_when_it_has_it(
    server: RedisServer, admin: "redis.Redis", database_url: str, tmp_path: Path
) -> None:
    set_user(admin, _RULES.replace("+brpop ", ""))
    settings = settings_of(address(server, "w:w@"), database_url)
    process: Process
    with started(settings, tmp_path / "worker.log") as process:
        process.wait_for_output("ACL SETUSER", 60)
        refused = int(cast("Any", admin).info("commandstats")["cmdstat_brpop"]["rejected_calls"])
        # It has tried again meanwhile, and said nothing more.
        wait_until(
            lambda: (
                cast("Any", admin).info("commandstats")["cmdstat_brpop"]["rejected_calls"]
                > refused + 1
            ),
            30,
            process.tail,
        )
        assert lines_with(process, "ACL SETUSER") == 1, process.tail()
        assert "Traceback" not in process.output()

        set_user(admin, _RULES)
        Client(address(server), [new_key()]).moneta.start_identification("waited", 1_000)

        # Taken, though it is refused: no provider is set.
        wait_until(lambda: admin.xlen("uprid:events"), 40, process.tail)
        assert process.stop() == 0
