"""What the Mandarin plugin takes and promises without a call."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.providers.mandarin import BY_INN, BY_SNILS, SECRET, settings
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.start_data import StartData
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.providers.protocol import Plugin

KIND = "identification"


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    made = MandarinPlugin(settings("http://127.0.0.1:9"))
    yield made
    made.close()


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in BY_SNILS.items() if name not in names}


@pytest.mark.parametrize("person", [BY_SNILS, BY_INN], ids=["by SNILS", "by INN"])
def test_accept_takes_exactly_one_identifier(plugin: Plugin, person: dict[str, Any]) -> None:
    other = {"snils": None, "inn": None, **person}

    assert plugin.accept(KIND, {}, person) == StartData(KIND, {}, person)
    assert plugin.accept(KIND, {}, other) == StartData(KIND, {}, person)


def test_accept_writes_the_same_person_in_the_same_way(plugin: Plugin) -> None:
    typed = {
        **dict(reversed(BY_SNILS.items())),
        "first_name": " Проверка ",
        "passport_series": "00 00",
        "snils": "112-233-445 95",
        "phone": "8 (900) 123-45-67",
    }

    taken = plugin.accept(KIND, {}, typed).payload
    corrected = plugin.correct(KIND, {}, typed).payload

    assert taken == corrected == BY_SNILS
    assert list(taken or {}) == list(BY_SNILS)


def test_accept_takes_null_for_no_patronymic(plugin: Plugin) -> None:
    taken = plugin.accept(KIND, {}, {**BY_SNILS, "patronymic": None}).payload

    assert taken == {**BY_SNILS, "patronymic": ""}


@pytest.mark.parametrize("value", ["", "-", "нет", "\u2014"], ids=ascii)
def test_accept_says_to_give_null_for_no_patronymic(plugin: Plugin, value: str) -> None:
    with pytest.raises(Refused) as caught:
        plugin.accept(KIND, {}, {**BY_SNILS, "patronymic": value})
    with pytest.raises(Refused) as missing:
        plugin.accept(KIND, {}, without("patronymic"))

    assert caught.value.reason == "patronymic must be a name: give null where there is none"
    assert missing.value.reason == "patronymic is missing: give null where there is none"


@pytest.mark.parametrize("blank", ["", "\u00a0"], ids=ascii)
def test_accept_takes_a_blank_identifier_as_not_given(plugin: Plugin, blank: str) -> None:
    assert plugin.accept(KIND, {}, {**BY_INN, "snils": blank}).payload == BY_INN
    assert plugin.accept(KIND, {}, {**BY_SNILS, "inn": blank}).payload == BY_SNILS


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        pytest.param(None, ("sealed",), id="none"),
        pytest.param([], ("sealed",), id="a list"),
        pytest.param(without("snils"), ("snils", "inn"), id="neither SNILS nor INN"),
        pytest.param({**BY_SNILS, **BY_INN}, ("snils", "inn"), id="both SNILS and INN"),
        pytest.param(without("patronymic"), ("patronymic",), id="no patronymic"),
        pytest.param(without("phone"), ("phone",), id="no phone"),
        pytest.param({**BY_SNILS, "snils": "19033603123"}, ("snils",), id="the page's SNILS"),
        pytest.param({**BY_SNILS, "snils": ""}, ("snils", "inn"), id="an empty SNILS"),
        pytest.param({**BY_INN, "inn": "7707083893"}, ("inn",), id="a company's INN"),
        pytest.param({**BY_SNILS, "passport_series": 0}, ("passport_series",), id="a number"),
        pytest.param({**BY_SNILS, "email": "x"}, ("email",), id="not known"),
        pytest.param(
            {**without("snils", "phone"), "last_name": "1", "passport_number": "1"},
            ("last_name", "passport_number", "phone", "snils", "inn"),
            id="all at once",
        ),
        pytest.param({**BY_SNILS, **BY_INN, "snils": "1"}, ("snils", "inn"), id="each named once"),
    ],
)
def test_accept_names_every_faulty_field_and_no_value(
    plugin: Plugin, payload: object, fields: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as caught:
        plugin.accept(KIND, {}, payload)
    assert caught.value.fields == fields
    assert "Проверкин" not in str(caught.value)
    assert "19033603123" not in str(caught.value)
    with pytest.raises(Refused) as corrected:
        plugin.correct(KIND, {}, payload)
    assert corrected.value.fields == fields


def test_accept_names_faulty_arguments_beside_faulty_data(plugin: Plugin) -> None:
    with pytest.raises(Refused) as caught:
        plugin.accept(KIND, {"unit_id": 1}, without("phone"))

    assert caught.value.fields == ("unit_id", "phone")


def test_accept_refuses_another_kind(plugin: Plugin) -> None:
    with pytest.raises(Refused) as caught:
        plugin.accept("invoices", {}, BY_SNILS)

    assert caught.value.fields == ("kind",)


def test_accept_takes_a_wrong_snils_when_set_to_warn() -> None:
    plugin = MandarinPlugin(settings("http://127.0.0.1:9", snils_checksum="warn"))
    try:
        taken = plugin.accept(KIND, {}, {**BY_SNILS, "snils": "19033603123"}).payload
    finally:
        plugin.close()

    assert taken is not None
    assert taken["snils"] == "19033603123"


def test_plugin_tells_its_limits_and_keeps_nothing_of_an_attempt(plugin: Plugin) -> None:
    assert plugin.name is Provider.MANDARIN
    assert plugin.give_up_after(KIND) == timedelta(minutes=300).total_seconds()
    assert plugin.last_look_before(18_000) is None
    for submitted in (False, True):
        assert plugin.resumed_for(KIND, submitted=submitted) == plugin.give_up_after(KIND)
    assert plugin.prepares(KIND, {}) is False
    assert [plugin.policy.wait(polls, 0.5) for polls in range(5)] == [10, 30, 60, 300, 300]
    for next_attempt in (True, False):
        assert plugin.carry_over(KIND, {"code": 3}, next_attempt=next_attempt) == {}


def test_plugin_shows_no_secret(plugin: Plugin) -> None:
    assert SECRET not in f"{plugin!r} {vars(plugin)!r}"
