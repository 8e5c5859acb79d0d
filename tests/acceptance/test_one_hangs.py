"""One provider hangs, every call to its time limit, while the three others go on as ever.

How late the others' calls are meanwhile is `./run bench --only hang`'s to measure; here they end.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from tests.support.loopback.web_address import WebAddress
from tests.support.messages.marketplace import (
    CODE,
    ENDS,
    INPUT_REQUIRED,
    MANDARIN,
    NPD,
    STARTED,
    Event,
)
from tests.support.messages.people import person
from tests.support.processes.child import wait_until
from tests.support.processes.system import SEAL_KEY, System, system
from tests.support.providers.payloads import magic_phone, mandarin_person, npd_person, right_code
from tests.support.providers.registries import fetch
from tests.support.servers.fresh import valkey_server

pytestmark = pytest.mark.slow

#: Operations of each provider; requests a second: so few that all at once would be a stampede.
_EACH: Final = 80
_RATE: Final = 15
_SUCCEEDED: Final = "uprid.operation.succeeded"
#: What the stand-ins call a poll.
_POLL: Final = {"moneta": "poll", "intellectmoney": "invoices"}
_LIMITS: Final = {"CONNECT_TIMEOUT": "3", "READ_TIMEOUT": "3", "TOTAL_TIMEOUT": "3"}
_POLICY: Final = json.dumps({"first_after": 0.5, "steps": [[5, 0.7]], "then": 1, "jitter": 0.1})
_SETTINGS: Final = {
    f"UPRID_{provider}__{name}": value
    for provider, rate in (
        *(("MONETA", _RATE), ("INTELLECTMONEY", _RATE)),
        *(("NPD", 100), ("MANDARIN", 100)),
    )
    for name, value in {
        **_LIMITS,
        "POLL": _POLICY,
        "RATE_PER_SECOND": str(rate),
        "BREAKER_RESET": "2",
    }.items()
}


@dataclass(frozen=True)
class Run:
    """What was seen: the tests below only read."""

    system: System
    hanging: str
    #: References by provider.
    references: dict[str, list[str]]
    #: What had happened when the others had ended, the one hanging still.
    meanwhile: Sequence[Event]
    #: Of the one that came back: seconds since its first poll, and polls that had come by then.
    back: Sequence[tuple[float, int]]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("sqlite_url", "moneta"), id="moneta"),
        pytest.param(
            ("postgres_url", "intellectmoney"),
            id="intellectmoney",
            marks=[pytest.mark.postgres, pytest.mark.exhaustive],
        ),
    ],
)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Operations of all four, one provider hanging, and then no more."""
    database, hanging = request.param
    directory = tmp_path_factory.mktemp("hangs")
    url: str = request.getfixturevalue(database)
    with (
        valkey_server() as broker,
        system(directory, broker, url, _SETTINGS, every_provider=True) as whole,
        WebAddress(broker.url, SEAL_KEY) as web,
    ):
        whole.start_sandbox(delay=4, task_timeout=600, options={"notify_url": web.url})
        whole.start("worker", "poller", "poller-2")
        whole.wait_until_started("worker", "poller", "poller-2")
        yield _lived(whole, hanging)


def _lived(whole: System, hanging: str) -> Run:
    references = {**_start_slow(whole), "npd": [], "mandarin": []}
    slow = [each for some in references.values() for each in some]
    whole.marketplace.wait_for(slow, [STARTED], timeout=60)
    whole.outage("hang", hanging)
    references |= {"npd": _start_npd(whole), "mandarin": _pass_mandarin(whole)}
    # NPD's ends are confirmed by MONETA: with it hanging they are believed afterwards.
    whole.marketplace.wait_for(references["npd"], [STARTED], timeout=60)
    waiting = {hanging, "npd"} if hanging == "moneta" else {hanging}
    others = [each for name in references.keys() - waiting for each in references[name]]
    whole.marketplace.wait_for(others, ENDS, timeout=90)
    meanwhile = whole.marketplace.events()
    back = _come_back(whole, hanging)
    everything = [each for some in references.values() for each in some]
    whole.marketplace.wait_for(everything, ENDS, timeout=90)
    return Run(whole, hanging, references, meanwhile, back)


def _start_slow(whole: System) -> dict[str, list[str]]:
    """Start what takes three of the stand-ins' delays."""
    for number in range(_EACH):
        whole.marketplace.start(f"moneta-{number}", (number + 1) * 1_000 + 2, person(number))
        fetch(whole, f"intellectmoney-{number}", (number + 1) * 1_000 + 113)
    return {name: _named(name) for name in ("moneta", "intellectmoney")}


def _start_npd(whole: System) -> list[str]:
    shop = whole.marketplace
    for number, reference in enumerate(_named("npd")):
        payload = npd_person(number, magic_phone(number, 0))
        shop.send(NPD, "npd", reference=reference, sealed=shop.seal(payload))
    return _named("npd")


def _pass_mandarin(whole: System) -> list[str]:
    """Start sessions, and hand each its right code."""
    shop, references = whole.marketplace, _named("mandarin")
    phones = [magic_phone(number, 0) for number in range(_EACH)]
    for number, reference in enumerate(references):
        payload = mandarin_person(number, phones[number])
        shop.send(MANDARIN, "mandarin", reference=reference, sealed=shop.seal(payload))
    shop.wait_for(references, [INPUT_REQUIRED], timeout=60)
    for reference, phone in zip(references, phones, strict=True):
        code = shop.seal({"sms_code": right_code(phone)})
        shop.send(CODE, "mandarin", reference=reference, sealed=code)
    return references


def _named(provider: str) -> list[str]:
    return [f"{provider}-{number}" for number in range(_EACH)]


def _come_back(whole: System, hanging: str) -> list[tuple[float, int]]:
    """Have it answer again while there is much to do, and watch what comes from the first poll."""
    wait_until(lambda: _due(whole, hanging), 30, "something due")
    before = _polls(whole, hanging)
    whole.outage("up", hanging)
    gives_up = time.monotonic() + 30
    began = time.monotonic()
    seen: list[tuple[float, int]] = []
    while (now := time.monotonic()) < (began + 3 if seen else gives_up):
        polls = _polls(whole, hanging) - before
        if polls:
            # The time after the look: more may not have come by then.
            seen.append((time.monotonic() - began, polls))
        else:
            began = now
        time.sleep(0.05)
    return seen


def _due(whole: System, provider: str) -> bool:
    live = "SELECT COUNT(*) FROM operation WHERE provider = :name AND finished_at IS NULL"
    return whole.count(live, name=provider) > 0


def _polls(whole: System, provider: str) -> int:
    return int(whole.calls_of(provider)["requests"].get(_POLL[provider], 0))


def test_others_end_while_one_hangs(run: Run) -> None:
    ended = {event.subject for event in run.meanwhile if event.type == _SUCCEEDED}

    waiting = {run.hanging, "npd"} if run.hanging == "moneta" else {run.hanging}
    for provider in run.references.keys() - waiting:
        assert set(run.references[provider]) <= ended, provider
    assert not set(run.references[run.hanging]) <= ended


def test_others_are_started_while_one_hangs(run: Run) -> None:
    started = {event.subject for event in run.meanwhile if event.type == STARTED}

    assert {each for some in run.references.values() for each in some} <= started


def test_provider_that_comes_back_is_met_at_its_rate(run: Run) -> None:
    assert run.back
    # What flows in meanwhile, and what the bucket holds.
    above = [(at, polls) for at, polls in run.back if polls > _RATE * (at + 1) + 1]
    assert above == []


def test_all_end_once_the_provider_is_back(run: Run) -> None:
    told: dict[str, list[str]] = {}
    for event in run.system.marketplace.events():
        if event.type in ENDS:
            told.setdefault(event.subject, []).append(event.type)

    everything = {each for some in run.references.values() for each in some}
    assert told == {each: [_SUCCEEDED] for each in everything}
    assert run.system.count("SELECT COUNT(*) FROM operation WHERE attempt != 1") == 0
