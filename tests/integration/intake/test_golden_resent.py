"""What 0.1.0 took, sent again to today's code, is the same operation, code and notification.

A sender repeats its messages until they are accepted, also across an upgrade. Were today's
fingerprint of the same data another, its message would be refused as other data under a used
reference. So the tag's own worker takes every message first, as its own process.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.integration.intake.test_golden import (
    FINGERPRINT_KEY,
    KEY,
    TAKEN,
    decoded,
    golden,
    refusals,
)
from tests.support.engine.parts import worker_parts
from tests.support.messages.marketplace import ACCEPTED
from tests.support.processes import releases
from tests.support.processes.child import wait_until
from tests.support.processes.system import SEAL_KEY, System, system
from tests.support.servers.fresh import PostgresServer, SqliteFiles, ValkeyServer, valkey_server
from uprid_client.names import Provider, Task
from uprid_client.sealing import Sealer
from uprid_sandbox.options import SandboxOptions
from worker.intake.message import Message
from worker.local.defaults import sandbox_providers
from worker.process.runtime import Runtime
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, INPUTS, NOTIFICATIONS, OPERATIONS

Json = dict[str, Any]
BOTH: Final = [
    pytest.param("sqlite", marks=pytest.mark.exhaustive),
    pytest.param("postgres", marks=pytest.mark.postgres),
]
KEYS: Final = [KEY, SEAL_KEY]
SETTINGS: Final = {"UPRID_SEAL_KEYS": ",".join(KEYS), "UPRID_FINGERPRINT_KEY": FINGERPRINT_KEY}
#: What makes an operation, or what comes to one.
STARTS: Final = {
    Task.MONETA_START: Provider.MONETA,
    Task.NPD_START: Provider.NPD,
    Task.MANDARIN_START: Provider.MANDARIN,
    Task.INTELLECTMONEY_INVOICES: Provider.INTELLECTMONEY,
    Task.INTELLECTMONEY_LIST: Provider.INTELLECTMONEY,
    Task.INTELLECTMONEY_SAVE: Provider.INTELLECTMONEY,
}
#: The golden code is one for this reference, at Mandarin.
WAITING: Final = "golden-waiting"
_OF_THE_CODE: Final = str(uuid4())
_ASKED_FOR_A_CODE: Final = """
    UPDATE operation SET state = 'polling', provider_ref = 's-1', missing = 'sms_code'
    WHERE reference = 'golden-waiting'
"""

_MANDARIN: Final[Json] = {
    "first_name": "Вера",
    "patronymic": "Петровна",
    "last_name": "Образцова",
    "passport_series": "4510",
    "passport_number": "123456",
    "snils": "112-233-445 95",
    "phone": "+7 900 123-45-67",
}
_MONETA_DOCUMENT: Final[Json] = {
    "series": "4510",
    "number": "123456",
    "issuer": "ОВД «Центр»",
    "issued": "2010-02-28",
    "department": "770-001",
}
_NAMES: Final = {
    "apostrophe": "О’Брайен",
    "letter-apostrophe": "Оʼбрайен",
    "typewriter-apostrophe": "О'Брайен",
    "prime": "О′Брайен",
    "hyphen": "Анна-Мария",
    "unicode-hyphen": "Анна\u2010Мария",
    "no-break-hyphen": "Анна\u2011Мария",
    "dash": "Анна–Мария",
    "spaces": "  Анна   Мария ",
    "no-break-space": "Анна\u00a0Мария",
    "in-parts": "И\u0306оанна",
    "zero-width": "Анна\u200bМария",
    "dots": "А. М.",
    "none": "-",
    "none-in-words": "нет",
    "empty": "",
}
_ISSUERS: Final = {
    "quotes": "ОВД «Центр»",
    "dashes": "ОВД — Центр – Север",
    "no-break-hyphen": "УВД\u2011Центр",
    "apostrophes": "ОВД ’Центр’ ʼСеверʼ ′Юг′",
    "no-break-space": "ОВД\u00a0Центр",
    "narrow-space": "ОВД\u202fЦентр",
    "spaces": "  ОВД   Центр ",
    "invisible": "ОВД\u200b\u00adЦентр",
    "tab": "ОВД\tЦентр",
    "empty": "",
}
_PHONES: Final = ("89001234567", "+7 (900) 123-45-67", "9001234567", "+7\u00a0900\u00a0123‑45‑67")
_SNILS: Final = ("11223344595", "112-233-445 95", "112‑233‑445\u00a095", "", None)


def _typed() -> Iterator[tuple[str, Task, Json, Json]]:
    """Yield what people type: reference, task, arguments in clear, payload."""
    for what, name in _NAMES.items():
        for field in ("first_name", "patronymic"):
            yield f"name-{field}-{what}", Task.MANDARIN_START, {}, {**_MANDARIN, field: name}
    for what, issuer in _ISSUERS.items():
        profile = {
            "first_name": "Вера",
            "last_name": "Образцова",
            "cell_phone": "+7 900 123-45-67",
            "snils": "112-233-445 95",
        }
        document = {**_MONETA_DOCUMENT, "issuer": issuer}
        payload = {"profile": profile, "document": document}
        yield f"issuer-{what}", Task.MONETA_START, {"unit_id": 7001}, payload
    for number, phone in enumerate(_PHONES):
        yield f"phone-{number}", Task.MANDARIN_START, {}, {**_MANDARIN, "phone": phone}
    for number, snils in enumerate(_SNILS):
        passport = {"series": "45 10", "number": "123456"}
        person = {
            "phone": "+7 900 123-45-67",
            "first_name": "Вера",
            "last_name": "Образцова",
            "middle_name": "Петровна",
            "birth_date": "1990-01-31",
            "passport": passport,
        }
        yield f"snils-{number}", Task.NPD_START, {}, {**person, "snils": snils}


def typed() -> Iterator[Message]:
    """Yield messages with what people type, as a sender would make them."""
    sealer = Sealer([KEY])
    for reference, task, clear, payload in _typed():
        given = {"reference": f"typed-{reference}", **clear, "sealed": sealer.seal(payload)}
        yield Message(str(uuid4()), task.value, (), given)


def of_the_golden_files() -> Iterator[Message]:
    """Yield the messages of 0.1.0's golden files that have a fingerprint, in a sender's order."""
    kept: Json = golden(releases.RELEASED, "messages")
    for task in STARTS:
        yield decoded(kept[task.value])
    mandarin = decoded(kept[Task.MANDARIN_START.value])
    # The operation that the code is for.
    yield replace(mandarin, id=_OF_THE_CODE, kwargs={**mandarin.kwargs, "reference": WAITING})
    yield decoded(kept[Task.NPD_NOTIFICATION.value])
    yield decoded(kept[Task.MANDARIN_CODE.value])


@dataclass(frozen=True, slots=True)
class Written:
    """A database that 0.1.0 wrote, and what it was sent."""

    url: str
    broker: ValkeyServer
    messages: tuple[Message, ...]
    #: Which of them it refused, by id.
    refused: frozenset[str]


@pytest.fixture(scope="module")
def tag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tag's code."""
    target = tmp_path_factory.mktemp("tag")
    try:
        releases.unpack(releases.commit_of(releases.RELEASED), target)
    except releases.NoHistory as missing:
        pytest.skip(f"no earlier release to write a database: {missing}")
    return target


@pytest.fixture(scope="module", params=BOTH)
def written(
    request: pytest.FixtureRequest, tag: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Written]:
    """All messages, taken by a worker of the tag on an empty database."""
    source: PostgresServer | SqliteFiles = request.getfixturevalue(request.param)
    url = source.create_database()
    messages = (*of_the_golden_files(), *typed())
    with (
        valkey_server() as broker,
        system(tmp_path_factory.mktemp("tag"), broker, url, SETTINGS, every_provider=True) as whole,
    ):
        whole.migrate(tag)
        whole.start("worker", release=tag)
        for message in messages:
            send(whole, message)
            if message.kwargs.get("reference") == WAITING and message.task in STARTS:
                whole.marketplace.wait_for([WAITING], [ACCEPTED])
                # No poller runs: a session that waits for the code, which is sent next.
                whole.execute(_ASKED_FOR_A_CODE)
        wait_until(lambda: not missing(whole, messages), 30, lambda: str(missing(whole, messages)))
        refused = frozenset(whole.marketplace.refusals())
        whole.stop("worker")
        yield Written(url, broker, messages, refused)
    source.drop_database(url)


def send(whole: System, message: Message) -> None:
    queue = {**STARTS, Task.NPD_NOTIFICATION: Provider.NPD, Task.MANDARIN_CODE: Provider.MANDARIN}
    whole.marketplace.send(
        message.task, queue[Task(message.task)].value, message_id=message.id, **message.kwargs
    )


def missing(whole: System, messages: tuple[Message, ...]) -> list[str]:
    """Return which messages have not been taken or refused yet."""
    refused, taken = whole.marketplace.refusals(), whole.marketplace.told([ACCEPTED])
    waits = [
        message.task
        for message in messages
        if message.id not in refused
        and message.task in STARTS
        and message.kwargs["reference"] not in taken
    ]
    waits += [] if whole.count("SELECT COUNT(*) FROM input") else [Task.MANDARIN_CODE.value]
    return waits + ([] if whole.count("SELECT COUNT(*) FROM notice") else ["notification"])


@pytest.fixture
def runtime(written: Written, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """Today's parts on that database, every provider on."""
    settings = {
        "DATABASE_URL": written.url,
        **SETTINGS,
        **sandbox_providers(SandboxOptions(1)),
    }
    with worker_parts(monkeypatch, written.broker.url, settings) as made:
        yield made


def contents(database: Database) -> dict[str, list[Mapping[str, Any]]]:
    """Return what makes an operation, a code and a notification the same one."""
    columns = {
        "operations": (OPERATIONS.c.id, OPERATIONS.c.reference, OPERATIONS.c.attempt),
        "attempts": (ATTEMPTS.c.operation_id, ATTEMPTS.c.number, ATTEMPTS.c.fingerprint),
        "inputs": (INPUTS.c.operation_id, INPUTS.c.message_id, INPUTS.c.fingerprint),
        "notices": (NOTIFICATIONS.c.key, NOTIFICATIONS.c.party),
    }
    with database.read() as connection:
        return {
            name: sorted(
                (dict(row) for row in connection.execute(select(*each)).mappings()), key=repr
            )
            for name, each in columns.items()
        }


def test_messages_of_0_1_0_sent_again_are_the_same_operations(
    written: Written, runtime: Runtime
) -> None:
    before = contents(runtime.database)
    refused_before = {refusal["message_id"] for refusal in refusals(runtime.database)}
    golden_ones = {message.id for message in of_the_golden_files()}
    assert not refused_before & golden_ones
    assert len(before["inputs"]) == len(before["notices"]) == 1

    for message in written.messages:
        if message.id not in written.refused:
            again = replace(message, id=str(uuid4()))
            TAKEN[Task(message.task)].by(runtime, again)

    conflicts = [
        (refusal["reference"], refusal["fields"])
        for refusal in refusals(runtime.database)
        if refusal["message_id"] not in refused_before
    ]
    assert conflicts == []
    assert contents(runtime.database) == before


def test_messages_of_0_1_0_with_other_data_are_refused(written: Written, runtime: Runtime) -> None:
    sealer = Sealer(KEYS)
    before = contents(runtime.database)

    message = next(each for each in written.messages if each.task == Task.MANDARIN_START)
    other = {**sealer.open(message.kwargs["sealed"]), "passport_number": "999999"}
    given = {**message.kwargs, "sealed": sealer.seal(other)}
    TAKEN[Task.MANDARIN_START].by(runtime, Message(str(uuid4()), message.task, (), given))

    last = refusals(runtime.database)[-1]
    assert (last["reference"], last["fields"]) == (message.kwargs["reference"], ["reference"])
    assert contents(runtime.database) == before


def test_enough_of_what_people_type_was_taken_by_0_1_0(written: Written) -> None:
    taken = {
        message.kwargs["reference"].removeprefix("typed-")
        for message in written.messages
        if message.id not in written.refused and "reference" in message.kwargs
    }

    # Where these were refused, the test above would hold nothing.
    assert taken >= {
        "name-first_name-apostrophe",
        "name-first_name-letter-apostrophe",
        "name-first_name-spaces",
        "name-patronymic-in-parts",
        "name-patronymic-none-in-words",
        "issuer-quotes",
        "issuer-dashes",
        "issuer-no-break-hyphen",
        "issuer-apostrophes",
        "phone-1",
        "snils-4",
    }
