"""`uprid invoices`, on both databases."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.support.engine.invoices import KEY, invoice, later, money, store, transaction
from tests.support.engine.operations import accepted, journal
from tests.support.processes.command import Ended, uprid
from worker.store.database import Database

Settings = dict[str, str]
PERSONAL = ("Небывал", "n@example.ru", "Возврат")


@pytest.fixture
def settings(migrated_url: str) -> Settings:
    return {"DATABASE_URL": migrated_url}


@pytest.fixture
def keys(settings: Settings) -> Settings:
    return {**settings, "UPRID_SEAL_KEYS": KEY, "UPRID_FINGERPRINT_KEY": "f" * 32}


@pytest.fixture(autouse=True)
def registries(database: Database) -> None:
    """Two registries that share an invoice; the first one was fetched three days ago."""
    now = database.now()
    first, second = accepted(database, "old", "new")
    old = [
        invoice(9, transactions=[transaction(50), transaction(51)]),
        invoice(3, order="=1+1", amount=money("-2.50", "TST")),
        invoice(4),
    ]
    store(database, first, old, now=now - timedelta(days=3))
    store(database, second, [invoice(4, changed_at=later(5), state="Refund")], now=now)


def rows(run: Ended) -> list[dict[str, str]]:
    return list(csv.DictReader(run.out.splitlines()))


def objects(run: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.out.splitlines()]


def test_export_prints_every_invoice_once_and_nothing_personal(settings: Settings) -> None:
    run = uprid(settings, "invoices", "export")

    assert (run.status, run.err) == (0, "")
    assert [(row["id"], row["state"], row["amount"], row["order"]) for row in rows(run)] == [
        ("3", "Paid", "-2.50", "'=1+1"),
        ("4", "Refund", "11.0000", "order 4"),
        ("9", "Paid", "11.0000", "order 9"),
    ]
    assert {row["changed_at"] for row in rows(run)} == {
        "2026-11-21T11:00:00Z",
        "2026-11-21T11:05:00Z",
    }
    assert not [word for word in (*PERSONAL, "gAAAA") if word in run.out]


def test_export_prints_json_lines_with_transactions(settings: Settings) -> None:
    run = uprid(settings, "invoices", "export", "--format", "jsonl")

    found = objects(run)
    assert [each["id"] for each in found] == [3, 4, 9]
    assert [each["id"] for each in found[2]["transactions"]] == [50, 51]
    assert not [word for word in (*PERSONAL, "gAAAA", "personal") if word in run.out]


def test_export_prints_transactions_where_they_are_asked_for(settings: Settings) -> None:
    run = uprid(settings, "invoices", "export", "--transactions")

    assert [(row["invoice_id"], row["id"], row["paid_amount"]) for row in rows(run)] == [
        ("9", "50", "11.1100"),
        ("9", "51", "11.1100"),
    ]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        pytest.param(["--reference", "old"], ["3", "4", "9"], id="of an operation"),
        pytest.param(["--reference", "new"], ["4"], id="of another"),
        pytest.param(["--reference", "new", "--attempt", "1"], ["4"], id="of an attempt"),
        pytest.param(["--since", "1d"], ["4"], id="since a time"),
        pytest.param(["--since", "4d"], ["3", "4", "9"], id="since a time before"),
        pytest.param(["--reference", "old", "--since", "1d"], ["4"], id="both"),
    ],
)
def test_export_may_be_narrowed_down(
    settings: Settings, options: list[str], ids: list[str]
) -> None:
    run = uprid(settings, "invoices", "export", *options)

    assert [row["id"] for row in rows(run)] == ids


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        pytest.param(["--reference", "x"], 1, "x: no operation", id="unknown reference"),
        pytest.param(["--reference", " x"], 1, "no operation", id="no reference"),
        pytest.param(["--reference", "old", "--attempt", "2"], 1, "its last", id="no such attempt"),
        pytest.param(["--attempt", "2"], 2, "--reference", id="attempt of nothing"),
        pytest.param(["--since", "monday"], 2, "--since: must be RFC 3339", id="no time"),
        pytest.param(["--personal"], 2, "--note: must say why", id="personal without a note"),
        pytest.param(["--personal", "--note", "audit"], 2, "UPRID_SEAL_KEYS", id="without keys"),
    ],
)
def test_export_says_what_is_wrong(
    settings: Settings, options: list[str], status: int, said: str
) -> None:
    run = uprid(settings, "invoices", "export", *options)

    assert (run.status, run.out) == (status, "")
    assert said in run.err


def test_export_opens_what_is_personal_on_request_and_keeps_who_asked(
    keys: Settings, database: Database
) -> None:
    options = ("--personal", "--note", "tax audit", "--by", "olga")

    run = uprid(keys, "invoices", "export", "--reference", "old", "--format", "jsonl", *options)

    assert run.status == 0
    assert objects(run)[2]["personal"]["OwnerFIO"] == "Небывал Пётр"
    assert objects(run)[2]["transactions"][0]["personal"] == {"Comment": "Возврат 50"}
    looked = [(row["by"], row["detail"]) for row in journal(database, "old") if row["by"]]
    assert looked == [("olga", "tax audit")]
    assert "opened personal data of invoices by olga: tax audit" in uprid(keys, "show", "old").out


def test_export_of_all_that_is_personal_is_kept_with_every_registry(
    keys: Settings, database: Database
) -> None:
    run = uprid(keys, "invoices", "export", "--personal", "--note", "audit", "--by", "olga")

    assert json.loads(rows(run)[0]["personal"])["OwnerEmail"] == "n@example.ru"
    for reference in ("old", "new"):
        assert [row["detail"] for row in journal(database, reference) if row["by"]] == ["audit"]


def test_export_says_that_a_key_is_missing(keys: Settings) -> None:
    other = {**keys, "UPRID_SEAL_KEYS": Fernet.generate_key().decode()}

    run = uprid(other, "invoices", "export", "--personal", "--note", "audit")

    assert run.status == 1
    assert "opens with none of UPRID_SEAL_KEYS" in run.err
    assert not [word for word in PERSONAL if word in run.out + run.err]
