"""Servers behind Sentinels: the primary is killed, and everything goes on by itself."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import pytest
import requests

from tests.support.loopback.server import free_port
from tests.support.messages.marketplace import ACCEPTED, ENDS, STARTED
from tests.support.messages.people import person
from tests.support.processes.child import PATIENCE, wait_until
from tests.support.processes.system import SEAL_KEY, System, system
from tests.support.servers.fresh import ValkeyServer
from tests.support.servers.sentinels import PASSWORD, SENTINEL_PASSWORD, Watched, watched
from uprid_client import Client, Event
from uprid_client.errors import BrokerUnavailable

_MANY: Final = 60
#: Of the sandbox's scenarios, one that ends after three times the delay.
_SLOW: Final = 2
_LOGIN: Final = ("olga", "very-secret")


class Reader:
    """The marketplace's consumer: reads on through every change of the server."""

    def __init__(self, url: str) -> None:
        self._client = Client(url, [SEAL_KEY])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.events: dict[str, Event] = {}
        self._thread.start()

    def by_reference(self) -> dict[str, list[Event]]:
        """Return every event once, in its operation's order."""
        found: dict[str, list[Event]] = defaultdict(list)
        for event in tuple(self.events.values()):
            found[event.subject].append(event)
        return {
            name: sorted(some, key=lambda event: int(event.data["sequence"]))
            for name, some in found.items()
        }

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                for event in self._client.events("shop", "one", block=0.2, quiet=1):
                    self.events.setdefault(event.id, event)
            except BrokerUnavailable:
                time.sleep(0.2)


@pytest.fixture(scope="module")
def servers() -> Iterator[Watched]:
    with watched() as made:
        yield made


@pytest.fixture(scope="module")
def whole(
    servers: Watched,
    shared_valkey: ValkeyServer,
    postgres_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    settings = {
        "REDIS_URL": servers.url,
        "FLOWER_BASIC_AUTH": ":".join(_LOGIN),
        "FLOWER_PORT": str(free_port()),
        "UPRID_MONETA__POLL": json.dumps(
            {"first_after": 0.5, "steps": [[100, 1]], "then": 2, "jitter": 0.1}
        ),
    }
    directory = tmp_path_factory.mktemp("sentinel")
    with system(directory, shared_valkey, postgres_url, settings) as made:
        made.start_sandbox(delay=2, task_timeout=600)
        made.start("worker", "poller", "beat", "flower")
        made.wait_until_started("worker", "poller")
        yield made


def send(client: Client, reference: str, unit_id: int) -> None:
    """Enqueue as the contract says: what was not taken is sent again, which is harmless."""
    for _ in range(int(60 * PATIENCE)):
        try:
            client.moneta.start_identification(reference, unit_id, person(unit_id % 100))
        except BrokerUnavailable:
            time.sleep(1)
        else:
            return
    raise AssertionError(reference)


def upkeep_in_flower(whole: System) -> bool:
    """Tell whether Flower's page of the broker knows the queues."""
    url = f"http://127.0.0.1:{whole.settings['FLOWER_PORT']}/broker"
    try:
        return "upkeep" in requests.get(url, auth=_LOGIN, timeout=60).text
    except requests.ConnectionError:
        return False


@pytest.mark.postgres
def test_a_killed_primary_loses_nothing_and_repeats_no_billed_call(
    whole: System, servers: Watched
) -> None:
    reader = Reader(servers.url)
    client = Client(servers.url, [SEAL_KEY])
    units = {f"sentinel-{n}": (n + 1) * 1_000 + _SLOW for n in range(_MANY)}
    early, late = list(units)[: _MANY // 2], list(units)[_MANY // 2 :]
    try:
        for reference in early:
            send(client, reference, units[reference])
        wait_until(
            lambda: whole.count("SELECT COUNT(*) FROM operation WHERE state = 'polling'") >= 10,
            60,
            "operations under way",
        )
        wait_until(lambda: upkeep_in_flower(whole), 60, "queues in Flower", interval=0.2)

        servers.primary.kill()
        for reference in late[: len(late) // 2]:
            send(client, reference, units[reference])
        taken_over = servers.kill_primary()
        for reference in late[len(late) // 2 :]:
            send(client, reference, units[reference])

        def sent_again_or_ended() -> bool:
            told = reader.by_reference()
            # A message that the dead server took to its grave was never accepted: only the
            # `accepted` event makes it ours, and until then the marketplace sends again.
            for reference in units.keys() - told.keys():
                send(client, reference, units[reference])
            return all(
                any(event.type in ENDS for event in told.get(reference, ())) for reference in units
            )

        wait_until(sent_again_or_ended, 120, whole.process("poller").tail, interval=1)
        wait_until(lambda: upkeep_in_flower(whole), 60, "queues in Flower", interval=0.2)

        for reference, events in reader.by_reference().items():
            types = [event.type for event in events]
            assert types[:2] == [ACCEPTED, STARTED], reference
            assert [each for each in types if each in ENDS] == ["uprid.operation.succeeded"]
        submits = {name: whole.unit(unit)["submits"] for name, unit in units.items()}
        assert set(submits.values()) == {1}, submits
        with taken_over.client(password=PASSWORD, db=1) as server:

            def stream_is_whole() -> bool:
                there = {fields["id"] for _, fields in server.xrange("uprid:events")}
                return {row[0] for row in whole.rows("SELECT id FROM outbox")} <= there

            wait_until(stream_is_whole, 30, "the stream refilled", interval=0.2)
        assert all(whole.is_running(name) for name in ("worker", "poller", "beat", "flower"))
        for name, log in whole.logs().items():
            assert PASSWORD not in log, name
            assert SENTINEL_PASSWORD not in log, name
    finally:
        reader.stop()
        client.close()


@pytest.mark.postgres
def test_doctor_knows_the_server_behind_the_sentinels(whole: System) -> None:
    found = json.loads(whole.uprid("doctor", "--json"))["findings"]

    told = {each["what"]: (each["level"], each["detail"]) for each in found}
    assert told["broker"][0] == told["broker rights"][0] == "ok", told


def test_doctor_says_when_the_sentinels_know_no_primary(whole: System) -> None:
    wrong = whole.settings["REDIS_URL"].replace("master_name=", "master_name=Another")
    whole.settings["REDIS_URL"], right = wrong, whole.settings["REDIS_URL"]
    try:
        found = json.loads(whole.uprid("doctor", "--json", status=1))["findings"]
    finally:
        whole.settings["REDIS_URL"] = right

    [told] = [each["detail"] for each in found if each["what"] == "broker"]
    assert "Sentinels know no primary" in told
    assert "Another" not in told
