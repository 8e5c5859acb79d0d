"""The commands that read and send, on both databases and a real broker; no worker runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.engine.operations import (
    NOW,
    accept,
    claim,
    ended,
    operation,
    polling,
    start,
    told,
    write,
)
from tests.support.messages.enqueued import Message, arguments, enqueued
from tests.support.processes.command import uprid
from tests.support.servers.valkey import ValkeyServer
from uprid_client import Client
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import reason_of
from uprid_client.contract.states import State
from worker.domain.outcomes import Reason
from worker.store import messages as store_messages
from worker.store.database import Database

KEY = Fernet.generate_key().decode()
Settings = dict[str, str]

MISMATCH = Reason(ReasonCode.DATA_MISMATCH, "It did not fit.", "500.7.3", retryable=True)
LINES = """\
{"reference": "good", "unit_id": 1, "payload": {"profile": {"first_name": "Небывал"}}}

{"reference": "cut off
{"reference": "odd", "unit_id": 2, "payload": "Небывал"}
{"reference": "plain", "unit_id": 3}
"""


@pytest.fixture
def settings(database: Database, migrated_url: str, valkey: ValkeyServer) -> Settings:
    return {
        "DATABASE_URL": migrated_url,
        "REDIS_URL": valkey.url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": "f" * 32,
    }


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator[Client]:
    made = Client(valkey.url, [KEY])
    yield made
    made.close()


def messages(valkey: ValkeyServer, queue: str) -> list[Message]:
    with valkey.client() as server:
        return enqueued(server, queue)


def reject(database: Database, reference: str) -> None:
    accept(database, start(reference))
    write(database, [ended(claim(database)[0], State.REJECTED, reason=MISMATCH)])


def test_enqueue_sends_the_good_lines_and_names_the_bad(
    settings: Settings, valkey: ValkeyServer, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(LINES)

    run = uprid(settings, "enqueue", "moneta", str(file))

    assert run.status == 1
    assert [line.removeprefix(f"{file}: ") for line in run.lines] == [
        "line 3: is not JSON (column 15)",
        "line 4: payload: must be a JSON object",
    ]
    assert run.out == "2 enqueued, 2 not\n"
    sent = [arguments(message) for message in messages(valkey, "moneta")]
    assert [each["reference"] for each in sent] == ["good", "plain"]
    assert client.open(sent[0]["sealed"]) == {"profile": {"first_name": "Небывал"}}
    assert "payload" not in sent[0]
    assert "Небывал" not in run.err + run.out


def test_enqueue_reads_standard_input(settings: Settings, valkey: ValkeyServer) -> None:
    run = uprid(settings, "enqueue", "moneta", "-", stdin='{"reference": "a b", "unit_id": 1}')

    assert (run.status, run.err) == (0, "")
    assert "next: uprid show 'a b'" in run.out
    assert len(messages(valkey, "moneta")) == 1


def test_enqueue_takes_what_each_provider_takes(
    settings: Settings, valkey: ValkeyServer, client: Client
) -> None:
    given = {
        "npd": {"reference": "n", "unit_id": 7, "payload": {"phone": "79471236813"}},
        "mandarin": {"task": "submit_sms_code", "reference": "m", "payload": {"sms_code": "3141"}},
        "intellectmoney": {"task": "fetch_invoices", "reference": "i", "filters": {"eshop_id": 1}},
    }

    runs = {
        name: uprid(settings, "enqueue", name, "-", stdin=json.dumps(g))
        for name, g in given.items()
    }

    assert {run.status for run in runs.values()} == {0}
    assert runs["mandarin"].out == "1 enqueued\nnext: uprid show m\n"
    [npd], [code], [search] = (messages(valkey, name) for name in given)
    assert client.open(arguments(npd)["sealed"]) == {"phone": "79471236813"}
    assert arguments(npd)["unit_id"] == 7
    assert code["headers"]["task"] == "tasks.mandarin.submit_sms_code"
    assert client.open(arguments(code)["sealed"]) == {"sms_code": "3141"}
    assert arguments(search) == {"reference": "i", "filters": {"eshop_id": 1}}


def test_enqueue_names_no_next_step_for_what_has_no_reference(
    settings: Settings, valkey: ValkeyServer
) -> None:
    line = json.dumps({"task": "receive_notification", "payload": {"upridAsyncId": "77"}})

    run = uprid(settings, "enqueue", "npd", "-", stdin=line)

    assert (run.status, run.out) == (0, "1 enqueued\n")
    assert len(messages(valkey, "npd")) == 1


def test_enqueue_sends_nothing_that_would_travel_in_clear(
    settings: Settings, valkey: ValkeyServer
) -> None:
    line = json.dumps({"reference": "r", "phone": "79471236813", "payload": {}})

    run = uprid(settings, "enqueue", "mandarin", "-", stdin=line)

    assert run.status == 1
    [said] = run.lines
    assert said.startswith("standard input: line 1: phone: is no argument of this task; what is")
    assert messages(valkey, "mandarin") == []


def test_enqueue_names_what_is_too_large_and_sends_the_others(
    settings: Settings, valkey: ValkeyServer
) -> None:
    large = {"reference": "l", "unit_id": 1, "payload": {"profile": {"a": "x" * 2**20}}}
    lines = [json.dumps(each) for each in (large, {"reference": "s", "unit_id": 2})]

    run = uprid(settings, "enqueue", "moneta", "-", stdin="\n".join(lines))

    assert (run.status, run.out.splitlines()[0]) == (1, "1 enqueued, 1 not")
    [said] = run.lines
    assert said.startswith("standard input: line 1: The message is too large to be sent. sealed:")
    assert len(messages(valkey, "moneta")) == 1


def test_enqueue_says_that_a_file_cannot_be_read(settings: Settings, tmp_path: Path) -> None:
    run = uprid(settings, "enqueue", "moneta", str(tmp_path / "none.json"))

    assert (run.status, len(run.lines)) == (1, 1)


def test_enqueue_says_that_the_broker_is_away(settings: Settings) -> None:
    away = settings | {"REDIS_URL": "redis://127.0.0.1:1/0"}

    run = uprid(away, "enqueue", "moneta", "-", stdin='{"reference": "a", "unit_id": 1}')

    assert (run.status, run.out) == (1, "")
    assert "REDIS_URL" in run.lines[0]


def test_list_as_json_is_show_without_its_timeline(settings: Settings, database: Database) -> None:
    reject(database, "no")

    (listed,) = json.loads(uprid(settings, "list", "--json").out)
    shown = json.loads(uprid(settings, "show", "no", "--json").out)

    timeline = shown.pop("timeline")
    assert listed == shown
    assert {"at", "what"} <= timeline[0].keys()


def test_list_chooses_by_state_and_provider(settings: Settings, database: Database) -> None:
    reject(database, "no")
    polling(database, "asked")

    chosen = uprid(settings, "list", "--state", "rejected", "--provider", "moneta", "--json")

    assert [row["reference"] for row in json.loads(chosen.out)] == ["no"]


def test_list_for_people_is_a_table_with_totals(settings: Settings, database: Database) -> None:
    reject(database, "no")

    out = uprid(settings, "list").out

    assert "data_mismatch" in out
    assert out.splitlines()[-1] == "moneta rejected: 1"


def test_show_as_json_has_what_the_contract_names(settings: Settings, database: Database) -> None:
    reject(database, "no")

    shown = json.loads(uprid(settings, "show", "no", "--json").out)

    promised = {
        "reference", "operation_id", "provider", "kind", "state", "attempt", "provider_ref",
        "deadline_at", "due_at", "polls", "reason", "result", "timeline",
    }  # fmt: skip
    assert promised <= shown.keys()
    assert shown["reason"]["code"] == "data_mismatch"
    assert [thing["at"] for thing in shown["timeline"]] == sorted(
        t["at"] for t in shown["timeline"]
    )
    assert {"move", "call", "end", "event"} == {thing["what"] for thing in shown["timeline"]}


def test_show_for_people_ends_with_what_to_type_next(
    settings: Settings, database: Database
) -> None:
    reject(database, "no")

    run = uprid(settings, "show", "no")

    assert "reason: data_mismatch (500.7.3): It did not fit." in run.out
    last = run.out.splitlines()[-1]
    assert last == "next, if the same data can pass now: uprid retry no --note '…'"


def test_show_prints_a_reference_that_was_only_refused(
    settings: Settings, database: Database
) -> None:
    with database.begin() as connection:
        store_messages.refuse(
            connection,
            message_id="1",
            task="tasks.moneta.start_identification",
            reference="bad",
            fields=("unit_id",),
            reason=reason_of(RefusalCode.INVALID_MESSAGE, "unit_id is missing"),
            now=NOW,
        )

    shown = json.loads(uprid(settings, "show", "bad", "--json").out)

    assert (shown["operation_id"], shown["state"]) == (None, None)
    assert shown["timeline"][0]["fields"] == ["unit_id"]
    assert "unit_id is missing" in uprid(settings, "show", "bad").out


def test_show_takes_the_id_of_an_operation_of_the_provider_and_of_a_refused_message(
    settings: Settings, database: Database
) -> None:
    polling(database, "known")
    operation_id = operation(database, "known")["id"]
    fault = reason_of(RefusalCode.INVALID_MESSAGE, "unit_id must be an integer")
    with database.begin() as connection:
        for message_id, reference in (("m-1", "known"), ("sha256:00ff", None)):
            store_messages.refuse(
                connection,
                message_id=message_id,
                task="tasks.moneta.start_identification",
                reference=reference,
                fields=("unit_id",),
                reason=fault,
                now=NOW,
            )

    for name in (operation_id, "77", "m-1"):
        known = uprid(settings, "show", name)
        assert (known.status, known.out.split()[0]) == (0, "known")
    run = uprid(settings, "show", "sha256:00ff")
    assert run.status == 0
    assert run.out.startswith("sha256:00ff  no operation: every message was refused\n")
    assert "unit_id must be an integer" in run.out


@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["people", "programs"])
def test_show_fails_when_nobody_knows_the_reference(settings: Settings, extra: list[str]) -> None:
    run = uprid(settings, "show", "nobody", *extra)

    assert (run.status, run.out, len(run.lines)) == (1, "", 1)


def test_retry_asks_for_the_next_of_the_current_attempt(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    reject(database, "no")

    run = uprid(settings, "retry", "no", "--note", "данные проверили", "--by", "olga")

    assert (run.status, run.out) == (0, "no: asked to begin attempt 2\n")
    (message,) = messages(valkey, "operations")
    assert message["headers"]["task"] == "tasks.operations.retry"
    assert arguments(message) == {
        "reference": "no", "attempt": 1, "by": "olga", "note": "данные проверили",
    }  # fmt: skip
    assert "данные" not in json.dumps(message["headers"], ensure_ascii=False)


def test_retry_names_what_it_cannot_and_does_the_others(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    polling(database, "asked")
    reject(database, "no")

    run = uprid(settings, "retry", "ghost", "no", "asked", "--note", "looked")

    assert run.status == 1
    assert [line.partition(":")[0] for line in run.lines] == ["ghost", "asked"]
    assert len(messages(valkey, "operations")) == 1


def test_retry_sends_nothing_on_a_dry_run(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    reject(database, "no")

    run = uprid(settings, "retry", "no", "--note", "looked", "--dry-run")

    assert (run.status, run.out) == (0, "no: would begin attempt 2\n")
    assert messages(valkey, "operations") == []


def test_retry_of_an_attempt_that_is_not_current_is_not_sent(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    reject(database, "no")

    run = uprid(settings, "retry", "no", "--note", "looked", "--attempt", "2")

    assert run.status == 1
    assert messages(valkey, "operations") == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["no", "--note", "клиент 8 903 123-45-67"], id="a phone in the note"),
        pytest.param(["no", "--note", " "], id="an empty note"),
        pytest.param(["a", "b", "--note", "n", "--attempt", "1"], id="one attempt of two"),
        pytest.param(["no"], id="no note"),
    ],
)
def test_retry_is_refused_as_usage(settings: Settings, arguments: list[str]) -> None:
    run = uprid(settings, "retry", *arguments)

    assert run.status == 2
    assert "903" not in run.err


def test_migrate_brings_an_empty_database_to_the_newest(
    settings: Settings, database_url: str
) -> None:
    empty = settings | {"DATABASE_URL": database_url}

    before = uprid(empty, "list")
    migrated = uprid(empty, "migrate")

    assert (before.status, len(before.lines)) == (1, 1)
    assert "uprid migrate" in before.err
    assert migrated.status == 0
    assert uprid(empty, "list").status == 0


def test_replay_publishes_again_under_the_same_ids(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    accept(database, start("a"), database.now())

    first = uprid(settings, "events", "replay", "--since", "10m")
    uprid(settings, "events", "replay", "--since", "10m")

    assert (first.status, first.out.split()[0]) == (0, "1")
    tailed = uprid(settings, "events", "tail", "--all", "--no-follow", "--json")
    events = [json.loads(line) for line in tailed.out.splitlines()]
    assert [event["id"] for event in events] == [told(database)[0].id] * 2
    assert events[0]["data"]["reference"] == "a"


def test_tail_prints_the_last_ten_for_people(settings: Settings, database: Database) -> None:
    for number in range(12):
        accept(database, start(f"order {number}"), database.now())
    uprid(settings, "events", "replay", "--since", "10m")

    lines = uprid(settings, "events", "tail", "--no-follow").out.splitlines()

    assert len(lines) == 10
    assert "order 11  uprid.operation.accepted  attempt 1" in lines[-1]


def test_tail_begins_after_the_id_that_it_is_given(settings: Settings, database: Database) -> None:
    for name in ("a", "b"):
        accept(database, start(name), database.now())
    uprid(settings, "events", "replay", "--since", "10m")
    first = uprid(settings, "events", "tail", "--all", "--no-follow").out.split()[0]

    rest = uprid(settings, "events", "tail", "--from", first, "--no-follow").out.splitlines()

    assert ["  b  " in line for line in rest] == [True]


def test_purge_says_how_much_was_erased(settings: Settings, database: Database) -> None:
    accept(database, start("a"), database.now())

    run = uprid(settings, "purge")

    assert run.status == 0
    erasable = ("payloads", "journal", "events", "refusals", "inputs", "notices", "invoices")
    assert run.out == "".join(f"{what}: 0, " for what in erasable) + "stream: 0\n"
