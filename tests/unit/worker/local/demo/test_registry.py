from decimal import Decimal

from uprid_sandbox.intellectmoney.registry import newest
from worker.local.demo.registry import personal_values, tally_of

_ESHOP = 25_103


def test_tally_is_what_the_invoices_come_to_one_by_one() -> None:
    invoices = list(newest(_ESHOP).values())
    paid = [each for each in invoices if each.state == "Paid"]

    tally = tally_of(_ESHOP)

    assert tally["invoices"] == len(invoices) == 25
    assert tally["transactions"] == sum(len(each.transactions) for each in invoices)
    assert tally["by_state"]["Paid"]["count"] == len(paid)
    rubles = sum((each.amount for each in paid if each.currency == "RUB"), Decimal(0))
    assert tally["by_state"]["Paid"]["sums"]["RUB"] == str(rubles)
    assert sum(state["count"] for state in tally["by_state"].values()) == 25


def test_personal_values_are_those_of_invoices_and_of_movements() -> None:
    values = personal_values(_ESHOP)
    assert "obrazets@example.com" in values
    assert "Образцов Пример Тестович" in values
    assert "IM0000000001" in values
    # Without the number of each.
    assert "Счет к оплате" in values
    # What is not personal is not looked for: a shop's site stands on its own page.
    assert not any("shop.example" in value for value in values)
