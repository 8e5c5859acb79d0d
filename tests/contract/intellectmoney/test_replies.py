"""What is read from replies, and what of them is no verdict."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.providers.around import HARMLESS, SPOILING
from tests.support.providers.intellectmoney import (
    ACCESS_TOKEN,
    FAILED,
    HTML,
    JSON,
    PASSWORD,
    PERSONAL,
    QUEUED,
    XML,
    Language,
    invoice,
    money,
    registry,
    response,
    saved,
    transaction,
)
from tests.support.providers.intellectmoney_asking import (
    ACCESS_TOKEN_PATH,
    Maker,
    ask,
    current,
    paths,
    pending,
    short,
    until_the_end,
)
from worker.domain.invoices import Money
from worker.domain.outcomes import Finished, NeedsPerson
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin

HOSTILE = b'<!DOCTYPE Response [<!ENTITY x SYSTEM "file:///etc/hostname">]><Response>&x;</Response>'

#: What comes: the end of a prepare, of a poll.
ODD: dict[str, tuple[Answer | Mapping[str, Any], str, str]] = {
    "error": (FAILED, "failed provider_error retryable", "failed provider_error retryable"),
    "unknown operation code": (response({}, code=7), "person unknown_answer") * 1
    + ("person unknown_answer",),
    "operation code is a word": (response({}, code="готово"), *("person unknown_answer",) * 2),
    "unknown state": (registry(1, state=9), *("person unknown_answer",) * 2),
    "no state": ({**response(), "Result": {}}, *("person unknown_answer",) * 2),
    "no result": (response(), *("person unknown_answer",) * 2),
    "no list": (response({}), *("person unknown_answer",) * 2),
    "another list": (saved(1), *("person unknown_answer",) * 2),
    "no operation state": ({"Result": {}}, *("person unknown_answer",) * 2),
    "queued and refused": (response({}, code=1, state=2), *("person unknown_answer",) * 2),
    "no id": (response({"InvoicesHistoryList": [{"State": "Paid"}]}),
              *("person unknown_answer",) * 2),
    "id too large": (registry(2**63), *("person unknown_answer",) * 2),
    "id zero": (registry(0), *("person unknown_answer",) * 2),
    "a name as a state": (response({"InvoicesHistoryList": [invoice(1, State="Проверкин")]}),
                          *("person unknown_answer",) * 2),
    "a word as an amount": (response({"InvoicesHistoryList": [invoice(1, Amount=money("ten"))]}),
                            *("person unknown_answer",) * 2),
    "a vast amount": (response({"InvoicesHistoryList": [invoice(1, Amount=money("1e999999"))]}),
                      *("person unknown_answer",) * 2),
    "no currency": (
        response({"InvoicesHistoryList": [invoice(1, Amount=money("1", "рубли"))]}),
        *("person unknown_answer",) * 2,
    ),
    "half a sum": (response({"InvoicesHistoryList": [invoice(1, Amount={"Amount": "1"})]}),
                   *("person unknown_answer",) * 2),
    "a word as a date": (response({"InvoicesHistoryList": [invoice(1, ChangeDate="today")]}),
                         *("person unknown_answer",) * 2),
    "http 404": (Answer(status=404), *("person unknown_answer",) * 2),
    "http 500": (Answer(status=500), "notsent transport", "pending transport"),
    "http 503": (Answer(status=503), "notsent unavailable", "pending unavailable"),
    "http 429": (Answer(status=429), "notsent unavailable", "pending unavailable"),
    "redirect": (Answer(status=302), "notsent transport", "pending transport"),
    "html": (HTML, "notsent transport", "pending transport"),
    "empty": (Answer(), "notsent transport", "pending transport"),
    "entities": (Answer(HOSTILE), "notsent transport", "pending transport"),
    "depth": (Answer(b'{"OperationState":' * 100_000), "notsent transport", "pending transport"),
    "not JSON": (Answer(b'{"OperationState": NaN}'), "notsent transport", "pending transport"),
    "a list": (Answer(b"[]"), "notsent transport", "pending transport"),
    "cut": (Answer(cut=True), "notsent transport", "pending transport"),
    "two codes": (Answer(b'{"OperationState":{"Code":0,"State":1}}'),
                  *("person unknown_answer",) * 2),
    "a name twice": (Answer(b'{"OperationState":{"Code":0},"OperationState":{"Code":0}}'),
                     *("person unknown_answer",) * 2),
    "an element twice": (Answer(b"<Response><OperationState><Code>0</Code><Code>0</Code>"
                                b"</OperationState></Response>"), *("person unknown_answer",) * 2),
    "text as a list": (Answer(b"<Response><OperationState><Code>0</Code></OperationState><Result>"
                              b"<State><Code>0</Code></State><InvoicesHistoryList>none"
                              b"</InvoicesHistoryList></Result></Response>"),
                       *("person unknown_answer",) * 2),
}  # fmt: skip


@pytest.mark.parametrize(
    ("odd", "prepared", "polled"), [pytest.param(*row, id=name) for name, row in ODD.items()]
)
def test_reads_are_no_verdicts_where_nothing_was_said(
    plugin: IntellectMoneyPlugin,
    stub: HttpStub,
    language: Language,
    odd: Answer | Mapping[str, Any],
    prepared: str,
    polled: str,
) -> None:
    stub.answer(odd if isinstance(odd, Answer) else language.said(odd))

    assert until_the_end(plugin, "prepare")[-1] == prepared
    assert until_the_end(plugin, "poll")[-1] == polled
    assert ACCESS_TOKEN_PATH not in paths(stub)


def test_answers_that_are_not_known_are_asked_for_again_a_few_times(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(response({}, code=7)))

    assert until_the_end(plugin, "poll") == ["pending unknown"] * 3 + ["person unknown_answer"]
    # Before the start it counts as time that the provider takes, at the distances of a backoff.
    assert pending(ask(plugin, "prepare")).again_in == 2.0
    assert pending(ask(plugin, "prepare", progress={"unknown": 1})).again_in == 4.0


def test_a_good_answer_has_the_unknown_ones_forgotten(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(response({}, code=7)), language.said(QUEUED))

    unknown = pending(ask(plugin, "poll"))
    queued = pending(ask(plugin, "poll", progress=unknown.progress))

    assert (unknown.progress or {})["unknown"] == 1
    assert "unknown" not in (queued.progress or {})


def test_a_strange_page_is_shown_to_the_person(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    strange = language.said(response({}, code=7))
    stub.answer(strange)

    outcome = ask(plugin, "poll", progress={"unknown": 3})

    assert isinstance(outcome, NeedsPerson)
    assert outcome.answer == strange.body


@pytest.mark.parametrize("code", [0, 1], ids=["in order", "with warnings"])
def test_a_page_with_warnings_is_a_page(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, code: int
) -> None:
    stub.answer(language.said(registry(1, state=code)))

    assert short(ask(plugin, "prepare")) == "succeeded"


def test_the_code_may_be_called_state(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said({**registry(1), "OperationState": {"State": 0}}))

    assert short(ask(plugin, "prepare")) == "succeeded"


@pytest.mark.parametrize("answered", [XML, JSON], ids=["xml comes", "json comes"])
def test_replies_are_read_by_what_comes_not_by_what_was_asked_for(
    plugin: IntellectMoneyPlugin, stub: HttpStub, answered: Language
) -> None:
    stub.answer(Answer(answered.written(registry(1))))

    assert short(ask(plugin, "prepare")) == "succeeded"


@pytest.mark.parametrize(("before", "after"), HARMLESS.values(), ids=HARMLESS)
def test_replies_are_read_when_what_says_nothing_stands_around_them(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, before: bytes, after: bytes
) -> None:
    stub.answer(Answer(before + language.written(registry(1)) + after))

    assert short(ask(plugin, "prepare")) == "succeeded"


@pytest.mark.parametrize(("before", "after"), SPOILING.values(), ids=SPOILING)
def test_replies_prove_nothing_when_anything_else_stands_around_them(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, before: bytes, after: bytes
) -> None:
    stub.answer(Answer(before + language.written(registry(1)) + after))

    assert short(ask(plugin, "prepare")) == "notsent transport"


def test_a_null_list_is_an_empty_one(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    stub.answer(language.said(response({"InvoicesHistoryList": None})))

    outcome = ask(plugin, "prepare")

    assert isinstance(outcome, Finished)
    assert (short(outcome), outcome.records) == ("succeeded", ())


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        pytest.param({"State": 2}, "state", "Paid", id="a state's number"),
        pytest.param({"State": "6"}, "state", "Held", id="a state's number as text"),
        pytest.param({"State": 5}, "state", "5", id="the undefined number"),
        pytest.param({"State": "Frozen"}, "state", "Frozen", id="a new state"),
        pytest.param({"Amount": None}, "amount", None, id="no amount"),
        pytest.param({"Amount": {}}, "amount", None, id="an empty amount"),
        pytest.param(
            {"Amount": money("0.1", "TST")}, "amount", Money(Decimal("0.1"), "TST"), id="no money"
        ),
        pytest.param(
            {"Amount": money("123456789012345678.0123456789")},
            "amount",
            Money(Decimal("123456789012345678.0123456789"), "RUB"),
            id="many digits",
        ),
        pytest.param(
            {"ChangeDate": "2026-06-02T00:30:00.1234567"},
            "changed_at",
            datetime(2026, 6, 1, 21, 30, 0, 123_456, tzinfo=UTC),
            id="seven digits of a second",
        ),
        pytest.param({"ChangeDate": "0001-01-01T00:00:00.000"}, "changed_at", None, id="null date"),
        pytest.param({"ChangeDate": None}, "changed_at", None, id="nil date"),
        pytest.param({"HistoryList": None}, "transactions", (), id="nil transactions"),
        pytest.param({"EShopId": None}, "eshop_id", None, id="no eshop"),
        pytest.param(
            {"EShopId": None, "PurchaseData": {"EshopId": 5}}, "eshop_id", 5, id="of the purchase"
        ),
        pytest.param(
            {
                "Comment": " ",
                "OwnerEmail": None,
                "OwnerFIO": None,
                "PurchaseData": {"UserName": "П", "UserEmail": "p@x"},
            },
            "personal",
            {"UserName": "П", "UserEmail": "p@x"},
            id="the buyer",
        ),
        pytest.param({"PurchaseOrderId": None}, "order", None, id="no order"),
    ],
)
def test_invoices_keep_what_was_said_of_them(
    plugin: IntellectMoneyPlugin,
    stub: HttpStub,
    language: Language,
    changes: Mapping[str, Any],
    field: str,
    value: object,
) -> None:
    stub.answer(language.said(response({"InvoicesHistoryList": [invoice(1, **changes)]})))

    outcome = ask(plugin, "prepare")

    assert isinstance(outcome, Finished)
    assert getattr(outcome.records[0], field) == value


def test_numbers_in_json_are_exact(make: Maker, stub: HttpStub) -> None:
    body = JSON.written(registry(1)).replace(b'"11.0000"', b"11.000000000000000001", 1)
    body = body.replace(b'"0.0000"', b"12", 1)
    stub.answer(Answer(body.replace(b"000000000000000001", b"0000001", 1)))

    outcome = ask(make(stub.url), "prepare")

    assert isinstance(outcome, Finished)
    record = outcome.records[0]
    assert record.amount == Money(Decimal("11.0000001"), "RUB")
    assert record.current == Money(Decimal(12), "RUB")


def test_transactions_of_an_invoice_are_read_alike(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language
) -> None:
    history = [
        transaction(1, State="Canceled", InvoicePaymentType=None, PaymentNumber=None),
        transaction(2, InvoicePaymentType="Cashback", PaymentAmount=None),
    ]
    stub.answer(language.said(response({"InvoicesHistoryList": [invoice(9, HistoryList=history)]})))

    outcome = ask(plugin, "prepare")

    assert isinstance(outcome, Finished)
    first, second = outcome.records[0].transactions
    assert (first.state, first.payment_type, first.number) == ("Canceled", None, None)
    assert (second.payment_type, second.paid) == ("Cashback", None)


def test_outcomes_hold_no_personal_data_and_no_secrets(
    plugin: IntellectMoneyPlugin, stub: HttpStub, language: Language, shelf: StoredAccessTokens
) -> None:
    strange = response({"InvoicesHistoryList": [invoice(1, State="Проверкин")]})
    for document in (registry(1), registry(1, 2), strange):
        stub.answer(language.said(document))
        said = repr(ask(plugin, "poll", progress={"unknown": 3}))
        assert not any(word in said for word in (*PERSONAL, ACCESS_TOKEN, PASSWORD))
    assert ACCESS_TOKEN not in repr(current(shelf))
