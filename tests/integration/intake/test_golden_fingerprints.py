"""What 0.1.0 took is the same operation, however its fields are read today.

`tests/golden/0.2.0/fingerprints.json` holds what 0.1.0's own code made of start messages: plain
ones, and ones whose typography, words or alphabets are read in another way, or refused, since. It
is never changed.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.integration.intake.test_golden import (
    FINGERPRINT_KEY,
    KEY,
    Json,
    golden,
    on_one_database,
    refusals,
)
from tests.support.engine.operations import start, told, types
from tests.support.engine.parts import worker_parts
from tests.support.servers.valkey import ValkeyServer
from uprid_client.names import Provider, Task
from uprid_sandbox.options import SandboxOptions
from worker.domain.start_data import StartData
from worker.intake.message import Message
from worker.intake.starts import start as starting
from worker.local.defaults import sandbox_providers
from worker.process.runtime import Runtime
from worker.store import messages as store
from worker.store.tables import ATTEMPTS

TASKS: Final = {
    ("moneta", "identification"): Task.MONETA_START,
    ("npd", "identification"): Task.NPD_START,
    ("mandarin", "identification"): Task.MANDARIN_START,
    ("intellectmoney", "invoices"): Task.INTELLECTMONEY_INVOICES,
    ("intellectmoney", "scheduled_operations"): Task.INTELLECTMONEY_LIST,
    ("intellectmoney", "save_scheduled_operation"): Task.INTELLECTMONEY_SAVE,
}
KNOWN: Final[list[Json]] = golden("0.2.0", "fingerprints")


@pytest.fixture
def runtime(
    migrated_url: str, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    values = {
        "DATABASE_URL": migrated_url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY,
        **sandbox_providers(SandboxOptions(1)),
    }
    with worker_parts(monkeypatch, valkey.url, values) as made:
        yield made


def take(runtime: Runtime, known: Json, reference: str, **changes: Any) -> None:
    """Have today's worker take a start message."""
    payload = changes.get("payload", known["payload"])
    sealed = {} if payload is None else {"sealed": runtime.sealer.seal(payload)}
    task = TASKS[known["provider"], known["kind"]]
    arguments = {"reference": reference, **known["arguments"], **sealed}
    taking = starting(Provider(known["provider"]), known["kind"])
    taking(runtime, Message(f"m-{reference}", task.value, (), arguments))


def stored_by_0_1_0(runtime: Runtime, known: Json, reference: str) -> None:
    begun = replace(
        start(reference),
        provider=known["provider"],
        data=StartData(known["kind"], known["arguments"], None),
        fingerprint=known["fingerprint"],
    )
    with runtime.database.begin() as connection:
        store.accept(connection, begun, runtime.database.now())


@on_one_database
def test_message_that_0_1_0_took_is_the_same_operation(runtime: Runtime) -> None:
    for number, known in enumerate(KNOWN):
        stored_by_0_1_0(runtime, known, f"order-{number}")

    for number, known in enumerate(KNOWN):
        take(runtime, known, f"order-{number}")

    assert refusals(runtime.database) == []
    assert len(told(runtime.database)) == len(KNOWN)


@on_one_database
def test_message_keeps_the_fingerprint_that_0_1_0_gave_it(runtime: Runtime) -> None:
    taken = {}
    for number, known in enumerate(KNOWN):
        take(runtime, known, f"order-{number}")
        if types(runtime.database, f"order-{number}") == ["operation.accepted"]:
            taken[f"order-{number}"] = known["fingerprint"]

    # What is refused today has none: words for none, and names of two alphabets.
    assert len(taken) > len(KNOWN) / 2
    with runtime.database.read() as connection:
        prints = connection.execute(select(ATTEMPTS.c.fingerprint)).scalars().all()
    assert sorted(prints) == sorted(taken.values())


@on_one_database
def test_other_data_than_0_1_0_took_are_a_conflict(runtime: Runtime) -> None:
    known = KNOWN[1]
    stored_by_0_1_0(runtime, known, "order-1")
    profile = {**known["payload"]["profile"], "first_name": "Другая"}

    take(runtime, known, "order-1", payload={**known["payload"], "profile": profile})

    [refused] = refusals(runtime.database)
    assert refused["reason"]["code"] == "reference_conflict"


@on_one_database
def test_word_for_none_that_0_1_0_never_took_is_refused(runtime: Runtime) -> None:
    known = next(known for known in KNOWN if known["provider"] == "npd")
    stored_by_0_1_0(runtime, known, "order-1")

    take(runtime, known, "order-1", payload={**known["payload"], "middle_name": "нет"})

    [refused] = refusals(runtime.database)
    assert refused["fields"] == ["middle_name"]


@on_one_database
@settings(max_examples=30, suppress_health_check=[*HealthCheck])
@given(
    name=st.text("Аня -'`\u2019\u02bc\u00a0\u2011\u200b\u0306", min_size=1, max_size=8),
    number=st.integers(0, 10**12),
)
def test_message_taken_today_is_the_same_operation_again(
    runtime: Runtime, name: str, number: int
) -> None:
    known = KNOWN[1]
    profile = {**known["payload"]["profile"], "first_name": name}
    payload = {**known["payload"], "profile": profile}
    reference = f"order-{number}-{name.encode().hex()}"

    take(runtime, known, reference, payload=payload)
    first = types(runtime.database, reference)
    take(runtime, known, reference, payload=payload)

    assert types(runtime.database, reference) == first
