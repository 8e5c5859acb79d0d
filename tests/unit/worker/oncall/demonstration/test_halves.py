from pathlib import Path

import pytest

from worker.oncall.demonstration.halves import fleets
from worker.oncall.demonstration.side import SIDES


def test_halves_share_the_provider_and_nothing_else(tmp_path: Path) -> None:
    halves = fleets(tmp_path)
    json, soap = (halves[side] for side in SIDES)
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


def test_halves_take_no_setting_of_whoever_starts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPRID_NONSENSE", "1")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker.example/0")

    for fleet in fleets(tmp_path).values():
        assert not {"UPRID_NONSENSE", "CELERY_BROKER_URL"} & set(fleet.environment)
