"""The `Sign` header."""

import hashlib

import pytest

from worker.providers.intellectmoney.requests import (
    ORDERS,
    Method,
    order_of,
    sign,
    signs_state,
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_sign_makes_the_known_vector() -> None:
    signature = sign(ORDERS[Method.TOKEN], {"Login": "login", "Password": "pass"}, "secret")

    assert signature == "f5f91f711f328a6a2859f77431b3610c891e8d8b924d5e7401cd41bc7ee3886d"


@pytest.mark.parametrize(
    ("method", "values", "signed"),
    [
        pytest.param(
            Method.INVOICES,
            {"UserToken": "t", "Skip": "0", "Take": "100", "EshopId": "7", "DateTo": "01.31.2026",
             "IncludePaymentTransactions": "true"},
            "t::0::100::7::::::01.31.2026::::::true::::::::::key",
            id="invoices",
        ),
        pytest.param(
            Method.SAVE,
            {"UserToken": "t", "ObjectId": "7", "ObjectTypeVal": "1", "ParamsJson": "{}",
             "RepeatPlan": "* * *", "IsSingle": "0", "State": "1", "EndExecDate": "d"},
            "t::::::::7::1::{}::* * *::::::0::::1::::::d::key",
            id="save",
        ),
        pytest.param(
            Method.LIST,
            {"UserToken": "t", "Skip": "0", "Take": "1", "Operation": "id", "State": "0",
             "DateFrom": "a", "DateTo": "b"},
            "t::0::1::id::::::::::::::::::0::a::b::::key",
            id="list",
        ),
    ],
)  # fmt: skip
def test_sign_joins_values_in_the_methods_own_order(
    method: Method, values: dict[str, str], signed: str
) -> None:
    assert sign(ORDERS[method], values, "key") == digest(signed)


def test_sign_takes_text_as_utf_8() -> None:
    signature = sign(("A",), {"A": "№ 1"}, "ключ")

    assert signature == digest("№ 1::ключ")


def test_order_puts_the_state_where_the_setting_says_when_it_is_sent() -> None:
    sent = {"State": "2"}

    assert order_of(Method.INVOICES, sent, "OwnerEmail")[-3:] == (
        "OwnerEmail",
        "State",
        "WithRefunds",
    )
    assert order_of(Method.INVOICES, {}, "OwnerEmail") == ORDERS[Method.INVOICES]
    assert order_of(Method.LIST, sent, "OwnerEmail") == ORDERS[Method.LIST]


@pytest.mark.parametrize("name", [None, "State", "Nothing"])
def test_order_stays_as_it_is_where_the_setting_names_no_signed_value(name: str | None) -> None:
    assert order_of(Method.INVOICES, {"State": "2"}, name) == ORDERS[Method.INVOICES]
    assert not signs_state(name)
