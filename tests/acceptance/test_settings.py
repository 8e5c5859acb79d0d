"""A start that cannot work says all that is wrong; one that cannot work yet waits, and says so."""

import subprocess
from pathlib import Path

import pytest

from tests.support.messages.marketplace import ENDS
from tests.support.processes.child import PATIENCE, wait_until
from tests.support.processes.shipped import environment
from tests.support.processes.system import FINGERPRINT_KEY, SEAL_KEY, procfile, programs, system
from tests.support.servers.fresh import ValkeyServer
from tests.support.servers.outage import locked_out

_SOUND = {
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "DATABASE_URL": "postgresql://127.0.0.1:9/none",
    "UPRID_SEAL_KEYS": SEAL_KEY,
    "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY,
}
_WRONG = {
    "REDIS_URL": "amqp://guest:Hollyhock@127.0.0.1",
    "DATABASE_URL": "mysql://somebody:Larkspur@127.0.0.1/x",
    "UPRID_SEAL_KEYS": "Snapdragon",
    "UPRID_FINGERPRINT_KEY": "Foxglove",
    "UPRID_ENGINE__SWEEP_EVERY": "-1",
    "UPRID_MONETA__URL": "http://example.com/services",
    "UPRID_MONETA__PASSWORD": "Delphinium",
    "UPRID_MONETA__POLL": '{"then": 0}',
    "UPRID_MONETTA__URL": "https://example.com",
}
_CONTRADICTING = {
    **_SOUND,
    # The longest countdown against the visibility timeout.
    "UPRID_ENGINE__MAX_COUNTDOWN": "800",
    "UPRID_ENGINE__HEARTBEAT": "5",
    "UPRID_MONETA__URL": "https://example.com/services",
    "UPRID_MONETA__USERNAME": "u",
    "UPRID_MONETA__PASSWORD": "p",
    "UPRID_MONETA__ANONYMOUS_GROUP_ID": "7",
    "UPRID_MONETA__SIMPLIFIED_GROUP_ID": "8",
    "UPRID_MONETA__TOTAL_TIMEOUT": "1",
}


@pytest.mark.parametrize(
    ("role", "settings", "named"),
    [
        pytest.param(
            "worker",
            {},
            {"REDIS_URL", "UPRID_SEAL_KEYS", "UPRID_FINGERPRINT_KEY"},
            id="nothing-set",
        ),
        pytest.param(
            "poller",
            _WRONG,
            _WRONG.keys() - {"UPRID_MONETA__PASSWORD"} | {"UPRID_MONETA__USERNAME"},
            id="everything-wrong",
        ),
        pytest.param(
            "worker",
            _CONTRADICTING,
            {"MAX_COUNTDOWN", "VISIBILITY_TIMEOUT", "HEARTBEAT", "LEASE_SILENCE", "TOTAL_TIMEOUT"},
            id="contradictions",
        ),
        pytest.param(
            "worker",
            {**_CONTRADICTING, "UPRID_MONETA__SIMPLIFIED_GROUP_ID": "7"},
            {"TOTAL_TIMEOUT", "SIMPLIFIED_GROUP_ID"},
            id="two-contradictions-of-one-provider",
        ),
    ],
)
def test_start_names_every_fault_at_once_and_exits_with_2(
    tmp_path: Path, role: str, settings: dict[str, str], named: set[str]
) -> None:
    [command, *arguments] = procfile()[role]

    ended = subprocess.run(
        [programs() / command, *arguments],
        env=environment(settings),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert ended.returncode == 2
    assert not [name for name in named if name not in ended.stderr], ended.stderr
    assert "Traceback" not in ended.stderr
    for secret in ("Hollyhock", "Larkspur", "Snapdragon", "Foxglove", "Delphinium"):
        assert secret not in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
def test_start_waits_for_database_and_broker_says_so_and_recovers(
    own_broker: ValkeyServer, postgres_url: str, tmp_path: Path
) -> None:
    with system(tmp_path, own_broker, postgres_url) as whole:
        whole.start_sandbox()
        own_broker.stop()
        with locked_out(postgres_url):
            whole.start("worker", "poller", "poller-2")
            for name in ("worker", "poller", "poller-2"):
                whole.process(name).wait_for_output("database_awaited", timeout=40)
            # A waiting process can be asked to stop.
            whole.stop("poller-2")
        # Whichever of them sweeps says it in so many words.
        wait_until(
            lambda: any("The broker cannot be used" in log for log in whole.logs().values()),
            20,
            "a word of the broker",
        )
        own_broker.start()

        whole.marketplace.start("waited-for", 5_000_000)

        whole.marketplace.wait_for(["waited-for"], ENDS)


@pytest.mark.postgres
def test_database_that_goes_away_in_the_middle_is_waited_for(
    own_broker: ValkeyServer, postgres_url: str, tmp_path: Path
) -> None:
    settings = {"UPRID_ENGINE__HEARTBEAT": "0.5", "UPRID_ENGINE__LEASE_SILENCE": "2"}
    with system(tmp_path, own_broker, postgres_url, settings) as whole:
        whole.start_sandbox(delay=1.5)
        whole.start("worker", "poller")
        units = {f"away-{number}": (number + 1) * 1_000 for number in range(40)}
        for reference, unit_id in units.items():
            whole.marketplace.start(reference, unit_id)
        wait_until(lambda: whole.polls() > 0, 20, "the first poll")

        with locked_out(postgres_url):
            whole.marketplace.start("meanwhile", 5_001_000)
            # Longer than a lease outlives its owner's silence.
            wait_until(
                lambda: whole.log_of("poller").count("heartbeat_missed") >= 5, 20, "the outage"
            )

        whole.marketplace.wait_for([*units, "meanwhile"])
        calls = whole.calls()["units"]
        assert all(calls[str(unit)]["submits"] == 1 for unit in units.values())
        ends = whole.marketplace.told(ENDS)
        assert all(len(ends[reference]) == 1 for reference in units)
