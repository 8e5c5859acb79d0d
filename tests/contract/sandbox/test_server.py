"""The sandbox as a server: the admin pages and the process."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
import requests

from tests.support.loopback.server import silent_port
from tests.support.providers.sandbox import DELAY, TRANSPORTS, Clock, Sandbox, running_sandbox
from tests.support.providers.sandbox_requests import encoded, personal_information, poll, submit
from tests.support.providers.silence import PATIENCE
from uprid_sandbox.background import background
from uprid_sandbox.options import SandboxOptions

SOON = 20
#: Scenarios in which one side leaves before the reply is whole.
UNFRIENDLY = {303: "hung", 304: "dropped", 308: "cut", 309: "dripping", 311: "huge"}


@pytest.fixture(params=TRANSPORTS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with running_sandbox(TRANSPORTS[request.param]) as running:
        yield running


def test_calls_are_counted_by_kind_and_by_unit(sandbox: Sandbox) -> None:
    unit_id = sandbox.unit(103)
    async_id = sandbox.ask(submit(unit_id, personal_information())).content["AsyncResponse"][
        "asyncId"
    ]
    sandbox.ask(poll(async_id))
    sandbox.clock.advance(DELAY)
    sandbox.ask(poll(async_id))
    sandbox.send(b"{")
    assert sandbox.calls() == {
        "requests": {"submit": 1, "poll": 2, "invalid": 1},
        "units": {
            str(unit_id): {
                "submits": 1,
                "taken": 1,
                "polls": 2,
                "profile_checks": 0,
                "languages": {sandbox.transport.name: 3},
                "codes": {"500.7.3": 1},
                "tasks": [str(async_id)],
            }
        },
    }


def test_requests_are_shown_without_their_units(sandbox: Sandbox) -> None:
    sandbox.ask(submit(sandbox.unit(0), personal_information()))
    sandbox.send(b"{")
    answer = sandbox.session.get(f"{sandbox.address}/_sandbox/requests", timeout=PATIENCE)
    assert answer.json()["moneta"] == {"submit": 1, "invalid": 1}
    assert answer.json()["mandarin"] == {}


@pytest.mark.parametrize(
    ("mode", "word"),
    [("down", "page 503"), ("hang", "hung"), ("credentials", "fault 300.1.3"), ("up", "CREATED")],
)
def test_outage_changes_every_answer(sandbox: Sandbox, mode: str, word: str) -> None:
    answer = sandbox.admin("outage", {"provider": "moneta", "mode": mode})
    assert answer.status_code == 200
    assert sandbox.ask(submit(sandbox.unit(0), personal_information())).word == word


@pytest.mark.parametrize("path", ["", "/services", "/elsewhere"])
@pytest.mark.parametrize("name", ["moneta", "npd", "mandarin", "intellectmoney"])
def test_outage_meets_a_look_at_the_host_too(sandbox: Sandbox, name: str, path: str) -> None:
    address = f"{sandbox.address}/{name}{path}"
    before = sandbox.session.get(address, timeout=SOON).status_code
    sandbox.admin("outage", {"provider": name, "mode": "down"})

    assert before in {404, 405}
    assert sandbox.session.get(address, timeout=SOON).status_code == 503


def test_outage_lets_no_submit_have_its_effect_and_counts_it(sandbox: Sandbox) -> None:
    unit_id = sandbox.unit(0)
    sandbox.admin("outage", {"provider": "moneta", "mode": "down"})
    sandbox.ask(submit(unit_id, personal_information()))
    counted = sandbox.calls()["units"][str(unit_id)]
    assert (counted["submits"], counted["taken"]) == (1, 0)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"provider": "moneta", "mode": "tired"}, id="mode"),
        pytest.param({"provider": "nobody", "mode": "up"}, id="provider"),
        pytest.param([], id="no-object"),
    ],
)
def test_outage_is_refused_when_it_is_unknown(sandbox: Sandbox, asked: object) -> None:
    assert sandbox.admin("outage", asked).status_code == 400


def test_reset_forgets_tasks_units_counters_and_outages(sandbox: Sandbox) -> None:
    unit_id = sandbox.unit(0)
    old = sandbox.ask(submit(unit_id, personal_information())).content["AsyncResponse"]["asyncId"]
    sandbox.clock.advance(DELAY)
    sandbox.admin("outage", {"provider": "moneta", "mode": "down"})

    assert sandbox.admin("reset", {}).status_code == 200

    assert sandbox.calls() == {"requests": {}, "units": {}}
    assert sandbox.ask(poll(old)).word == "fault 500.9.1"
    assert sandbox.ask(submit(unit_id, personal_information())).word == "CREATED"


@pytest.mark.parametrize("path", ["/", "/moneta", "/moneta/services/", "/npd/services"])
def test_other_addresses_are_not_found(sandbox: Sandbox, path: str) -> None:
    assert sandbox.session.post(f"{sandbox.address}{path}", timeout=SOON).status_code == 404


def test_services_take_nothing_but_post(sandbox: Sandbox) -> None:
    answer = sandbox.session.get(f"{sandbox.address}/moneta/services", timeout=SOON)
    assert answer.status_code == 405


def test_bodies_are_never_logged(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    sandbox.ask(submit(sandbox.unit(0), personal_information()))
    sandbox.send("{Образцов".encode())
    assert "Образцов" not in caplog.text


def test_background_tells_that_the_port_is_taken() -> None:
    with silent_port() as taken:
        options = SandboxOptions(port=taken)
        with pytest.raises(OSError, match="in use"), background(options):
            pass


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "uprid_sandbox", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def address_of(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line.startswith("sandbox ready on http://127.0.0.1:")
    return line.split()[-1]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_process_ends_well_when_it_is_signalled(name: signal.Signals) -> None:
    with process("--port", "0", "--delay", "0") as running:
        address = address_of(running)
        with requests.Session() as session:
            assert session.get(f"{address}/_sandbox/calls", timeout=SOON).status_code == 200
            running.send_signal(name)
            assert running.wait(SOON) == 0


def test_process_ends_well_when_a_request_hangs() -> None:
    with process() as running:
        address = address_of(running)
        outage = {"provider": "moneta", "mode": "hang"}
        requests.post(f"{address}/_sandbox/outage", json=outage, timeout=SOON)
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as hanging:
            hanging.sendall(
                b"POST /moneta/services HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
            )
            # A second request, answered, shows that the first has arrived.
            requests.get(f"{address}/_sandbox/calls", timeout=SOON)
            running.terminate()
            assert running.wait(SOON) == 0


def test_client_of_a_stand_in_that_hangs_is_left_waiting() -> None:
    with (
        background(SandboxOptions()) as address,
        requests.Session() as session,
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as hanging,
    ):
        outage = {"provider": "moneta", "mode": "hang"}
        session.post(f"{address}/_sandbox/outage", json=outage, timeout=SOON)
        hanging.sendall(b"POST /moneta/services HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        # Two more requests, answered, show that the first has had its turn.
        for _ in range(2):
            assert session.get(f"{address}/_sandbox/calls", timeout=SOON).ok
        hanging.settimeout(0.0)

        with pytest.raises(BlockingIOError):
            hanging.recv(1)


def test_process_stays_quiet_when_clients_go_away() -> None:
    with process("--delay", "0") as running:
        address = address_of(running)
        with requests.Session() as session:
            client = Sandbox(address, Clock(), session)
            seen = []
            for number, word in UNFRIENDLY.items():
                async_id = client.async_id(number)
                # A slow answer is no silence: only where there is none it is not waited for.
                client.patience = 0.5 if word == "hung" else PATIENCE
                seen.append(client.ask(poll(async_id)).word)
                client.patience = PATIENCE
            running.terminate()
        _, said = running.communicate(timeout=SOON)
    assert seen == list(UNFRIENDLY.values())
    assert said == ""


def test_process_says_so_when_the_port_is_taken() -> None:
    with silent_port() as taken, process("--port", str(taken)) as running:
        _, said = running.communicate(timeout=SOON)
    assert running.returncode == 1
    assert "cannot be had" in said


def test_process_refuses_options_that_contradict_each_other() -> None:
    with process("--full-group-id", "101") as running:
        _, said = running.communicate(timeout=SOON)
    assert running.returncode == 2
    assert "must differ" in said


def test_process_prints_every_magic_number() -> None:
    with process("--scenarios") as running:
        printed, _ = running.communicate(timeout=SOON)
    rows = [tuple(line.split()[:2]) for line in printed.splitlines()]
    assert running.returncode == 0
    assert all(former < latter for former, latter in pairwise(rows))
    assert {("moneta", number) for number in ("000", "103", "201", "600")} <= set(rows)


def test_connection_is_kept_alive_over_many_requests(sandbox: Sandbox) -> None:
    port = int(sandbox.address.rpartition(":")[2])
    body = encoded(poll(1))
    head = (
        "POST /moneta/services HTTP/1.1\r\nHost: a\r\n"
        f"Content-Type: application/json;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=SOON) as connection:
        for _ in range(3):
            connection.sendall(head.encode() + body)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
