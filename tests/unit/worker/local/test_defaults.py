"""What `uprid up --sandbox` chooses agrees with the sandbox's own options."""

import json

import pytest

from config.settings import Settings, load
from uprid_client.names import Provider
from uprid_sandbox.options import SandboxOptions
from worker.local.defaults import sandbox_pace, sandbox_providers

_REAL = {
    "UPRID_NPD__SIGNED_FIELDS": "phone",
    "UPRID_INTELLECTMONEY__RESULT_PATH": "real/{operation_id}",
    "UPRID_INTELLECTMONEY__BEARER_TOKEN": "real",
}


def _chosen(options: SandboxOptions) -> Settings:
    return load(environment=_REAL | sandbox_providers(options) | sandbox_pace({}, options))


def test_every_provider_is_on_and_asks_the_sandbox() -> None:
    providers = _chosen(SandboxOptions(port=4321)).providers()
    assert set(providers) == set(Provider)
    for name, block in providers.items():
        assert block.url.startswith(f"http://127.0.0.1:4321/{name}")


def test_optional_settings_of_the_real_providers_do_not_reach_the_sandbox() -> None:
    options = SandboxOptions(port=1, intellectmoney_bearer_token=None)
    settings = _chosen(options)
    assert settings.npd is not None
    assert settings.intellectmoney is not None
    assert settings.npd.signed_fields is None
    assert settings.intellectmoney.result_path is None
    assert settings.intellectmoney.bearer_token is None


def test_signed_fields_are_those_of_the_printed_formula_when_the_sandbox_checks_it() -> None:
    npd = _chosen(SandboxOptions(port=1, npd_printed_formula=True)).npd
    assert npd is not None
    assert npd.signed_fields is not None
    assert {"bd", "snils"}.isdisjoint(npd.signed_fields)
    assert {"phone", "docdepartment"} <= set(npd.signed_fields)


@pytest.mark.parametrize("provider", ["MONETA", "NPD", "MANDARIN", "INTELLECTMONEY"])
def test_schedule_that_is_set_stays_as_it_is(provider: str) -> None:
    name = f"UPRID_{provider}__POLL"
    given = {name: json.dumps({"first_after": 7, "then": 9})}
    assert name not in sandbox_pace(given, SandboxOptions())
    assert name in sandbox_pace({}, SandboxOptions())
