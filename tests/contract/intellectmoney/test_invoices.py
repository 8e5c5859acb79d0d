"""A registry, page by page: what is asked for, what is stored, how it ends."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.support.loopback.http_stub import HttpStub
from tests.support.providers.intellectmoney import (
    ACCESS_TOKEN,
    OPERATION,
    QUEUED,
    Language,
    form,
    registry,
    response,
)
from tests.support.providers.intellectmoney_asking import (
    AFTER,
    INVOICES_PATH,
    LIST,
    RESULT_PATH,
    Maker,
    ask,
    paths,
    pending,
    short,
    until_the_end,
)
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.invoices import Invoice, Money, Transaction
from worker.domain.outcomes import Finished, NeedsPerson, NotSent, Started
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin


def test_invoices_end_with_the_first_page_when_it_is_the_last(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry(7)))

    outcome = ask(plugin, "prepare")

    expected = Invoice(
        id=7,
        state="Paid",
        created_at=datetime(2026, 6, 2, 7, 11, 3, tzinfo=UTC),
        changed_at=datetime(2026, 6, 2, 7, 12, 0, 457_000, tzinfo=UTC),
        expires_at=None,
        amount=Money(Decimal("11.0000"), "RUB"),
        current=Money(Decimal("0.0000"), "RUB"),
        surcharge=Money(Decimal(0), "RUB"),
        eshop_id=450063,
        order="A-1",
        transactions=(
            Transaction(
                id=70,
                number=2036160602,
                state="Confirm",
                payment_type="Purchase",
                created_at=datetime(2026, 6, 2, 7, 12, 1, 40_000, tzinfo=UTC),
                paid=Money(Decimal("11.0000"), "RUB"),
                received=Money(Decimal("10.6200"), "RUB"),
                personal={
                    "PaymentAccount": "IM1",
                    "RecipientAccount": "IM2",
                    "Description": "для Проверкин",
                    "UserEmail": "payer@example.org",
                },
            ),
        ),
        personal={
            "Comment": "от Проверкин",
            "OwnerEmail": "payer@example.org",
            "OwnerFIO": "Проверкин Иван",
        },
    )
    assert outcome == Finished(
        State.SUCCEEDED,
        "last page stored",
        result={"pages": 1},
        records=(expected,),
        with_totals=True,
    )
    assert isinstance(outcome, Finished)
    [record] = outcome.records
    assert str(record.amount and record.amount.amount) == "11.0000"


def test_invoices_are_asked_for_by_the_names_of_the_page(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry()))
    filters = {
        "eshop_id": 450063,
        "state": "Paid",
        "invoice_id": 39,
        "date_from": "2026-01-31",
        "date_to": "2026-02-01",
        "include_payment_transactions": True,
        "page_size": 100,
    }

    ask(plugin, "prepare", args={"filters": filters})

    [asked] = stub.asked
    assert (asked.method, asked.path) == ("POST", INVOICES_PATH)
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert asked.headers["accept"] == f"text/{language.name}"
    assert {"authorization", "sign"}.isdisjoint(asked.headers)
    assert form(asked) == {
        "UserToken": ACCESS_TOKEN,
        "Skip": "0",
        "Take": "100",
        "EshopId": "450063",
        "State": "Paid",
        "InvoiceId": "39",
        "DateFrom": "01.31.2026",
        "DateTo": "02.01.2026",
        "IncludePaymentTransactions": "true",
    }


def test_dates_are_asked_for_in_the_format_that_is_set(
    make: Maker, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry()))

    filters = {"date_from": "2026-01-31", "page_size": 2}
    ask(make(stub.url, date_format="%d.%m.%Y"), "prepare", args={"filters": filters})

    assert form(stub.asked[0])["DateFrom"] == "31.01.2026"


def test_invoices_are_fetched_page_by_page_to_the_end(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(*(language.said(registry(*ids)) for ids in ((1, 2), (3, 4), (5,))))

    first = ask(plugin, "prepare")
    assert isinstance(first, Started)
    second = pending(ask(plugin, "poll", progress=first.progress))
    third = ask(plugin, "poll", progress=second.progress)

    assert (first.provider_ref, first.again_in, second.again_in) == (OPERATION, 0.0, 0.0)
    assert isinstance(third, Finished)
    records = [*first.records, *second.records, *third.records]
    assert [record.id for record in records] == [1, 2, 3, 4, 5]
    assert (third.state, third.result) == (State.SUCCEEDED, {"pages": 3})
    assert [form(asked)["Skip"] for asked in stub.asked] == ["0", "2", "4"]
    assert [first.calls, second.calls, third.calls] == [1, 1, 1]


def test_invoices_end_with_an_empty_page_when_the_one_before_was_full(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry(1, 2)), language.said(registry()))

    first = ask(plugin, "prepare")
    assert isinstance(first, Started)
    outcome = ask(plugin, "poll", progress=first.progress)

    assert isinstance(outcome, Finished)
    assert (short(outcome), outcome.result) == ("succeeded", {"pages": 1})


def test_invoices_go_on_from_the_page_that_was_stored_last_after_a_crash(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(*(language.said(registry(*ids)) for ids in ((1, 2), (3, 4), (3, 4))))

    first = ask(plugin, "prepare")
    assert isinstance(first, Started)
    lost = pending(ask(plugin, "poll", progress=first.progress))
    again = pending(ask(plugin, "poll", progress=first.progress))

    assert again == lost
    assert [form(asked)["Skip"] for asked in stub.asked] == ["0", "2", "2"]


def test_the_same_page_twice_in_a_row_is_for_a_person(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry(1, 2)))

    first = ask(plugin, "prepare")
    assert isinstance(first, Started)

    assert short(ask(plugin, "poll", progress=first.progress)) == "person unknown_answer"
    # A person who resumes says that it may be right.
    resumed = plugin.carry_over("invoices", first.progress or {}, next_attempt=False)
    assert short(ask(plugin, "poll", progress=resumed)) == "pending"
    assert form(stub.asked[-1])["Skip"] == "2"


def test_a_queued_page_is_asked_for_again_at_growing_distances(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(QUEUED))

    first = ask(plugin, "prepare")
    assert isinstance(first, Started)
    assert (first.provider_ref, first.as_after, first.again_in) == (OPERATION, 0, None)
    progress, places = first.progress, []
    for _ in range(3):
        outcome = pending(ask(plugin, "poll", progress=progress))
        progress = outcome.progress
        places.append(outcome.as_after)

    assert places == [1, 2, 3]
    assert {form(asked)["Skip"] for asked in stub.asked} == {"0"}
    assert set(paths(stub)) == {INVOICES_PATH}


def test_a_page_that_comes_begins_the_countdown_anew(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(*map(language.said, (QUEUED, QUEUED, registry(1, 2), QUEUED)))

    first = ask(plugin, "prepare")
    assert isinstance(first, Started)
    progress = first.progress
    outcomes = []
    for _ in range(3):
        outcomes.append(pending(ask(plugin, "poll", progress=progress)))
        progress = outcomes[-1].progress

    assert [outcome.as_after for outcome in outcomes] == [1, None, 0]
    assert [len(outcome.records) for outcome in outcomes] == [0, 2, 0]


def test_a_queued_page_is_fetched_by_its_operation_where_its_path_is_set(
    make: Maker, stub: HttpStub, language: Language
) -> None:
    plugin = make(stub.url, result_path=RESULT_PATH, sign_secret_key="k", bearer_token="b")
    stub.answer(*map(language.said, (QUEUED, QUEUED, registry(1, 2), registry(3))))

    first = ask(plugin, "prepare")
    assert isinstance(first, Started)
    second = pending(ask(plugin, "poll", progress=first.progress))
    third = pending(ask(plugin, "poll", progress=second.progress))
    fourth = ask(plugin, "poll", progress=third.progress)

    result = f"/services/operation/{OPERATION}/result"
    assert paths(stub) == [INVOICES_PATH, result, result, INVOICES_PATH]
    assert form(stub.asked[1]) == {"UserToken": ACCESS_TOKEN}
    assert "sign" not in stub.asked[1].headers
    assert stub.asked[1].headers["authorization"] == "Bearer b"
    assert [record.id for record in third.records] == [1, 2]
    assert short(fourth) == "succeeded"


def test_a_page_that_is_queued_without_a_number_is_repeated_all_the_same(
    make: Maker, stub: HttpStub, language: Language
) -> None:
    plugin = make(stub.url, result_path=RESULT_PATH)
    stub.answer(language.said(response(code=1, operation_id=None)), language.said(registry(1)))

    first = pending(ask(plugin, "prepare"))

    assert (first.as_after, first.trouble) == (0, None)
    assert short(ask(plugin, "prepare", progress=first.progress)) == "succeeded"
    assert paths(stub) == [INVOICES_PATH] * 2


def test_a_full_first_page_without_a_number_is_asked_for_again_then_left_to_a_person(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry(1, 2, operation_id="00000000-0000-0000-0000-000000000000")))

    assert until_the_end(plugin, "prepare") == ["pending"] * 3 + ["person unknown_answer"]


@pytest.mark.parametrize("kind", ["invoices", LIST])
def test_past_the_deadline_a_fetch_asks_once_more_and_expires(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, kind: str
) -> None:
    full = registry(3, 4) if kind == "invoices" else QUEUED
    stub.answer(language.said(full))

    outcome = ask(plugin, "settle", kind=kind, progress={"place": {"skip": 2, "pages": 1}})

    assert isinstance(outcome, Finished)
    assert short(outcome) == "expired deadline_passed retryable"
    if kind == "invoices":
        # The last page counts: it came.
        assert [record.id for record in outcome.records] == [3, 4]
        assert (outcome.result, outcome.with_totals) == ({"pages": 2}, True)
    assert len(stub.asked) == 1


def test_a_fetch_that_ends_at_its_deadline_has_ended(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry(1)))

    assert short(ask(plugin, "settle")) == "succeeded"


def test_a_fetch_that_was_never_started_expires_too(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(response(code=1, operation_id=None)))

    assert short(ask(plugin, "prepare", now=AFTER)) == "expired deadline_passed retryable"


def test_what_has_no_effect_is_never_submitted(plugin: IntellectMoneyPlugin) -> None:
    for kind in ("invoices", LIST):
        assert plugin.prepares(kind, {})
        assert plugin.prepares(kind, {"place": {"skip": 2}})
        assert isinstance(ask(plugin, "submit", kind=kind), NotSent)
        assert isinstance(ask(plugin, "clear_up", kind=kind), NotSent)


def test_a_reply_over_the_limit_says_what_to_do(
    make: Maker, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(registry(*range(1, 100))))

    outcome = ask(make(stub.url, reply_limit=1_000), "poll")

    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason.code is ReasonCode.CONFIGURATION
    assert "REPLY_LIMIT" in outcome.reason.message
