"""What the IntellectMoney plugin takes and promises without a call."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests.support.providers.intellectmoney import CHANGE, FIRST, PASSWORD, settings
from uprid_client.errors import Refused
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin
from worker.providers.protocol import Plugin
from worker.store.database import Database

SAVE, LIST = "save_scheduled_operation", "scheduled_operations"


Maker = Callable[..., IntellectMoneyPlugin]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    """Makes plugins whose shelf has no table: nothing here asks for a token."""
    database = Database(f"sqlite:///{tmp_path}/empty.sqlite3")
    shelf = StoredAccessTokens(database, Sealer([Fernet.generate_key().decode()]), "intellectmoney")
    with ExitStack() as stack:

        def made(**changes: Any) -> IntellectMoneyPlugin:
            plugin = IntellectMoneyPlugin(settings("http://127.0.0.1:9/personal", **changes), shelf)
            stack.callback(plugin.close)
            return plugin

        yield made
    database.dispose()


@pytest.fixture
def plugin(make: Maker) -> Plugin:
    return make()


@pytest.fixture
def signing(make: Maker) -> Plugin:
    return make(sign_secret_key="k")


@pytest.fixture
def signing_states(make: Maker) -> Plugin:
    return make(sign_secret_key="k", state_signed_after="OwnerEmail")


def refusal(plugin: Plugin, kind: str, arguments: object, payload: object = None) -> Refused:
    with pytest.raises(Refused) as refused:
        plugin.accept(kind, arguments, payload)  # type: ignore[arg-type]
    return refused.value


def test_accept_takes_filters_and_fills_in_the_page_size(plugin: Plugin) -> None:
    filters = {
        "eshop_id": 450063,
        "state": "Paid",
        "invoice_id": 39,
        "date_from": "2026-01-31",
        "date_to": "2026-01-31",
        "include_payment_transactions": False,
    }

    intake = plugin.accept("invoices", {"filters": filters}, None)

    assert intake.args == {"filters": {**filters, "page_size": 100}}
    assert (intake.kind, intake.payload, intake.subject) == ("invoices", None, None)


@pytest.mark.parametrize("blank", ["", "\u00a0\t"], ids=ascii)
def test_accept_takes_blanks_as_not_given(plugin: Plugin, blank: str) -> None:
    names = ("eshop_id", "state", "invoice_id", "date_from", "include_payment_transactions")
    filters = dict.fromkeys((*names, "page_size"), blank)

    assert plugin.accept("invoices", {"filters": filters}, None).args == {
        "filters": {"page_size": 100}
    }
    change = {**CHANGE, **dict.fromkeys(("operation_id", "is_single", "end_exec_date"), blank)}
    assert plugin.accept(SAVE, {"operation": change}, None).args == {
        "operation": plugin.accept(SAVE, {"operation": {
            name: value for name, value in CHANGE.items()
            if name not in {"operation_id", "is_single", "end_exec_date"}
        }}, None).args["operation"]
    }  # fmt: skip


def test_accept_reads_filters_and_operations_in_plain_typography(plugin: Plugin) -> None:
    filters = {"state": "\ufeffPaid\u00a0", "date_from": "2026\u201101\u201131\n"}
    taken = plugin.accept("invoices", {"filters": filters}, None).args["filters"]
    assert taken == {"state": "Paid", "date_from": "2026-01-31", "page_size": 100}

    listed = plugin.accept(LIST, {"filters": {"operation_id": FIRST.replace("-", "\u2013")}}, None)
    assert listed.args["filters"] == {"operation_id": FIRST}

    plan, params = "0\u00a00 9\u201318 1 * ? *", '{"Note": "с 9\u201318\u00a0ч"}'
    change = {**CHANGE, "repeat_plan": plan, "params": params}
    saved = plugin.accept(SAVE, {"operation": change}, None).args["operation"]
    assert (saved["repeat_plan"], saved["params"]) == ("0 0 9-18 1 * ? *", params)


def test_accept_leaves_out_what_is_null(plugin: Plugin) -> None:
    given = {"filters": {"eshop_id": None, "page_size": 7}}

    assert plugin.accept("invoices", given, None).args == {"filters": {"page_size": 7}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("eshop_id", 0), ("eshop_id", True), ("eshop_id", "7"), ("eshop_id", 2**63),
        ("invoice_id", -1), ("invoice_id", 1.5),
        ("state", 7), ("state", -1), ("state", True), ("state", "paid"), ("state", "2"),
        ("state", []),
        ("page_size", 0), ("page_size", 1001), ("page_size", True), ("page_size", "10"),
        ("include_payment_transactions", 1), ("include_payment_transactions", "true"),
        ("date_from", "31.01.2026"), ("date_from", "2026-02-30"), ("date_from", "20260131"),
        ("date_from", "1026-01-01"), ("date_from", 20260131), ("date_from", "2026-01-31T00:00"),
        ("date_to", "٢٠٢٦-01-31"),
        ("shop", 1),
    ],
)  # fmt: skip
def test_accept_refuses_a_filter_that_cannot_be_meant(
    plugin: Plugin, name: str, value: object
) -> None:
    assert refusal(plugin, "invoices", {"filters": {name: value}}).fields == (f"filters.{name}",)


@pytest.mark.parametrize("state", ["Created", "PartPaid", "Paid", "ToPaid", "Refund", "Held",
                                   0, 1, 2, 3, 4, 5, 6])  # fmt: skip
def test_accept_takes_states_by_name_and_by_number(plugin: Plugin, state: object) -> None:
    intake = plugin.accept("invoices", {"filters": {"state": state}}, None)

    assert intake.args["filters"]["state"] == state


def test_accept_refuses_dates_that_are_the_wrong_way_round(plugin: Plugin) -> None:
    filters = {"date_from": "2026-02-01", "date_to": "2026-01-31"}

    for kind in ("invoices", LIST):
        assert refusal(plugin, kind, {"filters": filters}).fields == ("filters.date_to",)


def test_accept_refuses_the_state_where_it_cannot_be_signed(
    signing: Plugin, signing_states: Plugin
) -> None:
    given = {"filters": {"state": 2}}

    assert refusal(signing, "invoices", given).fields == ("filters.state",)
    assert signing_states.accept("invoices", given, None).args["filters"]["state"] == 2
    # In the list of scheduled operations the state has its place.
    assert signing.accept(LIST, {"filters": {"state": 1}}, None).args == {"filters": {"state": 1}}


def test_accept_names_every_fault_in_one_refusal(plugin: Plugin) -> None:
    arguments = {"filters": {"eshop_id": 0, "state": 9, "x": 1}, "more": 1}

    found = refusal(plugin, "invoices", arguments, {"secret": "Проверкин"})

    assert set(found.fields) == {
        "filters.eshop_id", "filters.state", "filters.x", "more", "sealed",
    }  # fmt: skip
    assert "Проверкин" not in found.reason


@pytest.mark.parametrize("kind", ["invoices", LIST, SAVE])
def test_accept_refuses_what_is_missing_or_no_object(plugin: Plugin, kind: str) -> None:
    name = "operation" if kind == SAVE else "filters"

    assert refusal(plugin, kind, {}).fields == (name,)
    assert refusal(plugin, kind, {name: [1]}).fields == (name,)


def test_accept_refuses_an_unknown_kind(plugin: Plugin) -> None:
    assert refusal(plugin, "identification", {}).fields == ("kind",)


def test_accept_takes_the_filters_of_scheduled_operations(plugin: Plugin) -> None:
    filters = {
        "operation_id": FIRST.upper(),
        "object_id": 7,
        "state": True,
        "date_from": "2026-01-31",
        "date_to": "2026-02-01",
    }

    intake = plugin.accept(LIST, {"filters": filters}, None)

    assert intake.args == {"filters": {**filters, "operation_id": FIRST, "state": 1}}


@pytest.mark.parametrize(
    ("name", "value"),
    [("operation_id", "7"), ("operation_id", 7), ("object_id", 0), ("state", 2), ("page_size", 1)],
)
def test_accept_refuses_a_filter_of_scheduled_operations(
    plugin: Plugin, name: str, value: object
) -> None:
    assert refusal(plugin, LIST, {"filters": {name: value}}).fields == (f"filters.{name}",)


def test_accept_writes_a_change_in_one_way(plugin: Plugin) -> None:
    given = {
        **CHANGE,
        "operation_id": FIRST.upper(),
        "params": {"Amount": 15, "Кому": "x"},
        "repeat_plan": "0 0 12  ? * mon *",
        "retry_on_fail_plan": '{"every": 1}',
        "retry_on_fail_count": 3,
        "is_single": True,
        "fire_on_skip": False,
        "state": 0,
        "end_exec_date": "2026-12-31",
    }

    intake = plugin.accept(SAVE, {"operation": given}, None)

    assert intake.args["operation"] == {
        **given,
        "operation_id": FIRST,
        "params": '{"Amount":15,"Кому":"x"}',
        "repeat_plan": "0 0 12 ? * MON *",
        "is_single": 1,
        "fire_on_skip": 0,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("object_id", 0), ("object_type", 0), ("object_type", 256), ("object_type", True),
        ("params", "[]"), ("params", "{'Amount':15}"), ("params", '{"a":1,"a":2}'), ("params", 1),
        ("params", {"a": float("nan")}), ("params", '{"a":"' + "x" * 4_000 + '"}'),
        ("params", {"a": "\ud800"}),
        ("repeat_plan", "0 0 12 1/1 * *"), ("repeat_plan", "{"), ("repeat_plan", ""),
        ("repeat_plan", None), ("repeat_plan", {"every": 1}), ("repeat_plan", '{"a":1,"a":2}'),
        ("retry_on_fail_plan", "daily"), ("retry_on_fail_count", -1), ("retry_on_fail_count", "3"),
        ("is_single", 2), ("is_single", "1"), ("fire_on_skip", -1), ("state", "off"),
        ("end_exec_date", "never"), ("operation_id", "x"), ("shop", 1),
    ],
)  # fmt: skip
def test_accept_refuses_a_change_that_cannot_be_meant(
    plugin: Plugin, name: str, value: object
) -> None:
    found = refusal(plugin, SAVE, {"operation": {**CHANGE, name: value}})

    assert found.fields == (f"operation.{name}",)


@pytest.mark.parametrize("name", ["object_id", "object_type", "params", "repeat_plan"])
def test_accept_refuses_a_change_without_what_it_needs(plugin: Plugin, name: str) -> None:
    given = {key: value for key, value in CHANGE.items() if key != name}

    assert refusal(plugin, SAVE, {"operation": given}).fields == (f"operation.{name}",)


def test_correct_takes_no_sealed_data(plugin: Plugin) -> None:
    with pytest.raises(Refused):
        plugin.correct("invoices", {"filters": {}}, {"filters": {}})


@pytest.mark.parametrize("kind", ["invoices", LIST])
def test_keep_goes_on_from_the_last_page_when_resumed(plugin: Plugin, kind: str) -> None:
    place = {"skip": 200, "pages": 2, "last": "abc", "queued": FIRST, "waits": 7}
    progress = {"place": place, "unknown": 3}
    if kind == LIST:
        progress["items"] = [{"state": 0}]

    kept = plugin.carry_over(kind, progress, next_attempt=False)

    assert kept["place"] == {"skip": 200, "pages": 2}
    assert "unknown" not in kept
    assert kept.get("items") == progress.get("items")
    assert plugin.carry_over(kind, progress, next_attempt=True) == {}


def test_plugin_says_how_it_is_worked(plugin: Plugin) -> None:
    assert plugin.name is Provider.INTELLECTMONEY
    assert plugin.give_up_after("invoices") == timedelta(minutes=60).total_seconds()
    assert plugin.last_look_before(3600) is None
    for submitted in (False, True):
        assert plugin.resumed_for("invoices", submitted=submitted) == plugin.give_up_after(
            "invoices"
        )
    assert plugin.limits.total_timeout == 30
    assert plugin.policy.first_after == 2


def test_repr_holds_no_secret(plugin: Plugin) -> None:
    assert PASSWORD not in repr(plugin)
