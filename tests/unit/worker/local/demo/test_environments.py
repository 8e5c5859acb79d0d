from pathlib import Path

import pytest

from uprid_client.names import Provider
from worker.local.demo.environments import fleets
from worker.local.demo.side import SIDES
from worker.local.fleet import sandbox_command

_NOTIFY = "http://127.0.0.1:9/npd"


def test_environments_share_moneta_and_nothing_else(tmp_path: Path) -> None:
    environments = fleets(tmp_path, _NOTIFY)
    json, soap = (environments[side] for side in SIDES)
    assert [each.settings.moneta and each.settings.moneta.transport for each in (json, soap)] == [
        "json",
        "soap",
    ]
    assert json.environment["UPRID_MONETA__URL"] == soap.environment["UPRID_MONETA__URL"]
    for name in ("REDIS_URL", "DATABASE_URL"):
        assert json.environment[name] != soap.environment[name]
    assert json.label != soap.label
    assert (json.sandbox is None, soap.sandbox is None) == (False, True)
    assert (json.sizes.beat, soap.sizes.beat) == (True, False)


def test_environments_ask_every_provider_once_but_moneta(tmp_path: Path) -> None:
    environments = fleets(tmp_path, _NOTIFY)
    for side, fleet in environments.items():
        assert set(fleet.settings.providers()) == set(side.providers)
    assert set(SIDES[0].providers) == set(Provider)
    assert SIDES[1].providers == (Provider.MONETA,)


def test_environments_have_the_sandbox_told_where_notifications_go(tmp_path: Path) -> None:
    sandbox = fleets(tmp_path, _NOTIFY)[SIDES[0]].sandbox
    assert sandbox is not None
    assert f"notify_url={_NOTIFY}" in sandbox_command(sandbox)


def test_environments_take_no_setting_of_whoever_starts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPRID_NONSENSE", "1")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker.example/0")

    for fleet in fleets(tmp_path, _NOTIFY).values():
        assert not {"UPRID_NONSENSE", "CELERY_BROKER_URL"} & set(fleet.environment)
