"""What people type, sent to the stand-ins: they take nothing but plain typography."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from tests.harnesses.hostile.intellectmoney import MemoryShelf
from tests.support.providers import intellectmoney, mandarin, moneta, npd
from uprid_client.contract.states import State
from uprid_sandbox.background import background
from uprid_sandbox.options import SandboxOptions
from worker.domain.outcomes import Finished, Prepared, Started
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin
from worker.providers.mandarin.codes import read_code
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.npd.plugin import NpdPlugin

KIND = "identification"
SAVE = "save_scheduled_operation"
OPTIONS = SandboxOptions(delay=0)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with background(OPTIONS) as address:
        yield address


def messy(value: object) -> Any:  # noqa: ANN401 - what it was given
    """Return the same as a word processor, a phone's keyboard and a PDF would have it."""
    if isinstance(value, Mapping):
        return {name: messy(inner) for name, inner in value.items()}
    if not isinstance(value, str):
        return value
    spelt = value.translate(
        {0x20: "\u00a0\u202f", 0x2D: "\u2011", 0x27: "\u2019", 0x451: "е\u0308"}
    )
    return f"\ufeff\u2009{spelt[:1]}\u200b{spelt[1:]}\t\n"


def with_name(person: Mapping[str, Any], **names: object) -> dict[str, Any]:
    return {**person, "first_name": "Анна-Мария", "last_name": "О'Нил Алёшина", **names}


@pytest.mark.parametrize("transport", ["json", "soap"])
@pytest.mark.parametrize("patronymic", ["Иванович", None, ""], ids=repr)
def test_moneta_takes_what_people_type(
    sandbox: str, transport: str, patronymic: str | None
) -> None:
    profile = with_name(moneta.PERSON["profile"], middle_initial_name=patronymic)
    person = messy({**moneta.PERSON, "profile": profile})
    made = moneta.settings(
        f"{sandbox}/moneta/services", username=OPTIONS.username,
        password=SecretStr(OPTIONS.password), transport=transport,
    )  # fmt: skip
    plugin = MonetaPlugin(made)
    taken = plugin.accept(KIND, {"unit_id": moneta.UNIT_ID}, person).payload

    outcome = plugin.submit(moneta.work(State.SUBMITTING, payload=taken))
    plugin.close()

    # The unit is identified by the first of them; what is not taken is a person's.
    assert isinstance(outcome, Started | Finished), outcome


@pytest.mark.parametrize("patronymic", ["Иванович", None], ids=repr)
def test_npd_takes_what_people_type(sandbox: str, patronymic: str | None) -> None:
    person = messy(with_name(npd.PERSON, middle_name=patronymic))
    made = npd.settings(
        f"{sandbox}/npd", security_key=SecretStr(OPTIONS.npd_security_key),
        secret_key=SecretStr(OPTIONS.npd_secret_key),
    )  # fmt: skip
    plugin = NpdPlugin(made, None)
    work = npd.work(State.ACCEPTED, payload=plugin.accept(KIND, {}, person).payload)

    profile = plugin.prepare(work)
    assert isinstance(profile, Prepared), profile
    document = plugin.prepare(replace(work, progress=profile.progress))
    plugin.close()

    assert isinstance(document, Prepared), document


@pytest.mark.parametrize("patronymic", ["Иванович", None], ids=repr)
def test_mandarin_takes_what_people_type(sandbox: str, patronymic: str | None) -> None:
    person = messy(with_name(mandarin.BY_SNILS, patronymic=patronymic))
    made = mandarin.settings(
        f"{sandbox}/mandarin", merchant_id=OPTIONS.mandarin_merchant_id,
        secret=SecretStr(OPTIONS.mandarin_secret),
    )  # fmt: skip
    plugin = MandarinPlugin(made)
    taken = plugin.accept(KIND, {}, {**person, "inn": "\u00a0"}).payload

    started = plugin.submit(mandarin.submitted(taken or {}))
    assert isinstance(started, Started), started
    code = read_code({"sms_code": messy("4567")})
    sent = plugin.supply(mandarin.supplied(code, provider_ref=started.provider_ref))
    plugin.close()

    assert sent.note == "code sent"


def test_intellectmoney_takes_what_people_type(sandbox: str) -> None:
    made = intellectmoney.settings(
        f"{sandbox}/intellectmoney", login=OPTIONS.intellectmoney_login,
        password=SecretStr(OPTIONS.intellectmoney_password),
        bearer_token=SecretStr(OPTIONS.intellectmoney_bearer_token or ""),
        sign_secret_key=SecretStr(OPTIONS.intellectmoney_sign_secret_key or ""),
    )  # fmt: skip
    plugin = IntellectMoneyPlugin(made, MemoryShelf(full=False))
    typed = messy({"repeat_plan": "0 0 9-18 1 * ? *", "end_exec_date": "2031-01-31"})
    change = {**intellectmoney.CHANGE, **typed, "retry_on_fail_plan": "\u00a0"}
    args = plugin.accept(SAVE, {"operation": change}, None).args
    work = intellectmoney.work(SAVE, State.ACCEPTED, args=args)
    while plugin.prepares(SAVE, work.progress):
        step = plugin.prepare(work)
        assert isinstance(step, Prepared), step
        work = replace(work, progress=step.progress)

    saved = plugin.submit(work)
    plugin.close()

    assert isinstance(saved, Finished), saved
    assert saved.state is State.SUCCEEDED
