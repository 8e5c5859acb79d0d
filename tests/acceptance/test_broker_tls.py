"""TLS to the broker: verified by everything that connects, before a password is sent."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
import requests

from tests.support.loopback.server import free_port
from tests.support.loopback.tls_listener import TlsListener
from tests.support.messages.marketplace import ENDS
from tests.support.messages.people import person
from tests.support.processes.child import Process, environment, running, wait_until
from tests.support.processes.command import uprid
from tests.support.processes.system import FINGERPRINT_KEY, SEAL_KEY, System, system
from tests.support.servers.broker_certificates import Authority, Certificate
from tests.support.servers.fresh import ValkeyServer
from tests.support.servers.redis_server import RedisServer
from uprid_client import Client
from uprid_client.errors import BrokerUnavailable

PASSWORD: Final = "TopSecret"
_LOGIN: Final = ("olga", "very-secret")
_ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_url(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks TLS only and wants a certificate of its clients; its address."""
    own, ours = authority.certificate("localhost"), authority.certificate("client")
    port = free_port()
    server = RedisServer(
        tmp_path_factory.mktemp("redis"),
        {
            "port": 0,
            "tls-port": port,
            "tls-cert-file": own.path,
            "tls-key-file": own.key,
            "tls-ca-cert-file": authority.path,
            "tls-auth-clients": "yes",
            "requirepass": PASSWORD,
        },
    )
    server.port = port
    try:
        server.start(
            password=PASSWORD,
            ssl=True,
            ssl_check_hostname=False,
            ssl_ca_certs=str(authority.path),
            ssl_certfile=str(ours.path),
            ssl_keyfile=str(ours.key),
        )
        yield (
            f"rediss://:{PASSWORD}@localhost:{port}/0?ssl_ca_certs={authority.path}"
            f"&ssl_certfile={ours.path}&ssl_keyfile={ours.key}"
        )
    finally:
        server.kill()


@pytest.fixture(scope="module")
def whole(
    tls_url: str,
    shared_valkey: ValkeyServer,
    sqlite_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    settings = {
        "REDIS_URL": tls_url,
        "FLOWER_BASIC_AUTH": ":".join(_LOGIN),
        "FLOWER_PORT": str(free_port()),
    }
    with system(tmp_path_factory.mktemp("tls"), shared_valkey, sqlite_url, settings) as made:
        made.start_sandbox(delay=0.2)
        made.start("worker", "poller", "beat", "flower")
        made.wait_until_started("worker", "poller")
        yield made


def flower_shows_queues(whole: System) -> bool:
    url = f"http://127.0.0.1:{whole.settings['FLOWER_PORT']}/broker"
    try:
        return "upkeep" in requests.get(url, auth=_LOGIN, timeout=60).text
    except requests.ConnectionError:
        return False


def test_everything_works_with_a_trusted_server_that_wants_a_certificate(
    whole: System, tls_url: str
) -> None:
    client = Client(tls_url, [SEAL_KEY])
    client.moneta.start_identification("tls", 1_000, person(1))

    events = client.events("shop", "one", quiet=60)
    ended = next(event.type for event in events if event.type in ENDS)

    assert ended == "uprid.operation.succeeded"
    found = json.loads(uprid(whole.settings, "doctor", "--json").out)["findings"]
    told = {each["what"]: each["level"] for each in found}
    assert told["broker"] == told["broker rights"] == "ok"
    tail = uprid(whole.settings, "events", "tail", "--no-follow")
    assert "uprid.operation.accepted" in tail.out
    wait_until(lambda: flower_shows_queues(whole), 30, whole.process("flower").tail, interval=0.2)
    whole.process("beat").wait_for_output("Sending due task", 40)
    client.close()


def test_server_that_wants_a_certificate_is_told_apart(
    authority: Authority, tls_url: str, tmp_path: Path
) -> None:
    bare = tls_url.partition("&")[0]

    told = diagnosis(bare, tmp_path)

    assert "wants a certificate of ours" in told
    with pytest.raises(BrokerUnavailable, match="certificate of ours"):
        enqueue(bare)
    assert "is not of an authority that is trusted" in diagnosis(bare.partition("?")[0], tmp_path)
    assert authority.path.name not in told


# What is not trusted

Trouble = tuple[str, Callable[[Authority, Path], Certificate], str]
TROUBLES: Final[list[Trouble]] = [
    (
        "unknown authority",
        lambda _, directory: Authority(directory, "unknown").certificate("localhost"),
        "not of an authority that is trusted",
    ),
    ("another host", lambda ours, _: ours.certificate("elsewhere"), "another host's"),
    (
        "expired",
        lambda ours, _: ours.certificate("localhost", ends=-timedelta(hours=1)),
        "not valid at this time",
    ),
]
#: A worker connects as a poller does.
COMMANDS: Final = ("worker", "beat", "flower")


def enqueue(url: str) -> None:
    client = Client(url, [SEAL_KEY])
    try:
        client.moneta.start_identification("refused", 1_000, person(1))
    finally:
        client.close()


def diagnosis(url: str, directory: Path) -> str:
    settings = settings_of(url, directory)
    found = json.loads(uprid(settings, "doctor", "--json").out)["findings"]
    [told] = [each for each in found if each["what"] == "broker"]
    assert told["level"] == "fault"
    detail: str = told["detail"]
    return detail


def settings_of(url: str, directory: Path) -> dict[str, str]:
    return {
        "REDIS_URL": url,
        "DATABASE_URL": f"sqlite:///{directory / 'tls.sqlite3'}",
        "UPRID_SEAL_KEYS": SEAL_KEY,
        "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY,
        "FLOWER_BASIC_AUTH": ":".join(_LOGIN),
    }


def address(listener: TlsListener, authority: Authority) -> str:
    return f"rediss://:{PASSWORD}@localhost:{listener.port}/0?ssl_ca_certs={authority.path}"


@pytest.mark.parametrize(("name", "issue", "said"), TROUBLES, ids=lambda each: each)
def test_doctor_and_client_refuse_and_send_nothing(
    authority: Authority,
    tmp_path: Path,
    name: str,
    issue: Callable[[Authority, Path], Certificate],
    said: str,
) -> None:
    del name
    with TlsListener(issue(authority, tmp_path)) as listener:
        url = address(listener, authority)

        assert said in diagnosis(url, tmp_path)
        with pytest.raises(BrokerUnavailable, match=said):
            enqueue(url)
        with pytest.raises(BrokerUnavailable, match=said):
            list(Client(url, [SEAL_KEY]).events("shop", "one", quiet=1))

        assert listener.connections >= 3
        assert listener.received == b""


def test_listener_hears_the_password_where_nothing_is_verified(
    authority: Authority, tmp_path: Path
) -> None:
    """What the tests beside this one listen for would be there."""
    with TlsListener(TROUBLES[0][1](authority, tmp_path)) as listener:
        url = f"rediss://:{PASSWORD}@localhost:{listener.port}/0?ssl_cert_reqs=none"

        diagnosis(url, tmp_path)

        assert PASSWORD.encode() in listener.received


def test_processes_refuse_and_send_nothing(authority: Authority, tmp_path: Path) -> None:
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(TlsListener(issue(authority, tmp_path))) for _, issue, _ in TROUBLES
        ]
        started: list[tuple[Process, str, str]] = []
        for number, listener in enumerate(listeners):
            settings = settings_of(address(listener, authority), tmp_path)
            assert uprid(settings, "migrate").status == 0
            for command in COMMANDS if number == 0 else ("worker",):
                process = stack.enter_context(
                    running(
                        [sys.executable, "-m", "worker.cli.main", command],
                        log=tmp_path / f"{number}-{command}.log",
                        env=environment({**settings, "FLOWER_PORT": str(free_port())}),
                        cwd=_ROOT,
                    )
                )
                started.append((process, command, TROUBLES[number][2]))
        for process, command, said in started:
            if command == "worker":
                process.wait_for_output(said, 60)
            else:
                process.wait_for_output("CERTIFICATE_VERIFY_FAILED", 60)

        for process, command, _ in started:
            assert process.is_running, process.tail()
            assert PASSWORD not in process.output(), command
        assert [listener.received for listener in listeners] == [b""] * len(listeners)
