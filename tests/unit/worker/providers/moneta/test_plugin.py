"""What the MONETA plugin takes and promises without a call."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.providers.moneta import PASSWORD, PERSON, UNIT_ID, settings
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.providers.moneta.plugin import MonetaPlugin
from worker.providers.protocol import Plugin

KIND = "identification"


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    made = MonetaPlugin(settings("http://127.0.0.1:9/services"))
    yield made
    made.close()


def without(*path: str) -> dict[str, Any]:
    """Return a person without one member."""
    part, name = path
    kept = {key: value for key, value in PERSON[part].items() if key != name}
    return {**PERSON, part: kept}


def changed(part: str, **values: object) -> dict[str, Any]:
    return {**PERSON, part: {**PERSON[part], **values}}


def test_accept_takes_a_unit_without_data(plugin: Plugin) -> None:
    intake = plugin.accept(KIND, {"unit_id": UNIT_ID}, None)

    assert (intake.kind, intake.args, intake.payload) == (KIND, {"unit_id": UNIT_ID}, None)


def test_accept_writes_the_same_person_in_the_same_way(plugin: Plugin) -> None:
    typed = changed("profile", cell_phone="8 (900) 123-45-67", snils="112-233-445 95")
    typed["document"] = {**PERSON["document"], "series": "00 00"}

    assert plugin.accept(KIND, {"unit_id": UNIT_ID}, typed).payload == PERSON
    assert plugin.correct(KIND, {"unit_id": UNIT_ID}, typed).payload == PERSON


def test_accept_leaves_out_what_is_null(plugin: Plugin) -> None:
    payload = changed("profile", inn=None, middle_initial_name=None)

    taken = plugin.accept(KIND, {"unit_id": 1}, payload).payload

    assert taken is not None
    assert {"inn", "middle_initial_name"}.isdisjoint(taken["profile"])


@pytest.mark.parametrize("unit_id", [True, 0, -1, 2**63, "4242", 1.0, None, [1]], ids=repr)
def test_accept_refuses_what_is_no_unit(plugin: Plugin, unit_id: object) -> None:
    with pytest.raises(Refused) as caught:
        plugin.accept(KIND, {"unit_id": unit_id}, None)

    assert caught.value.fields == ("unit_id",)


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        pytest.param({}, ("profile", "document"), id="nothing"),
        pytest.param([], ("payload",), id="a list"),
        pytest.param({"profile": PERSON["profile"]}, ("document",), id="no document"),
        pytest.param(without("profile", "first_name"), ("profile.first_name",), id="no name"),
        pytest.param(without("profile", "cell_phone"), ("profile.cell_phone",), id="no phone"),
        pytest.param(without("document", "number"), ("document.number",), id="no number"),
        pytest.param(
            changed("profile", snils=None, inn=None, date_of_birth=None),
            ("profile",),
            id="nothing to look up by",
        ),
        pytest.param(changed("profile", snils="19033603123"), ("profile.snils",), id="checksum"),
        pytest.param(changed("document", series=4510), ("document.series",), id="number for text"),
        pytest.param(changed("document", id=True), ("document.id",), id="boolean id"),
        pytest.param(changed("document", type="PASSPORT"), ("document.type",), id="unknown"),
        pytest.param({**PERSON, "Иван": 1}, ("(unnamed)",), id="unnamed"),
    ],
)
def test_accept_refuses_a_payload_naming_only_its_fields(
    plugin: Plugin, payload: object, fields: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as caught:
        plugin.accept(KIND, {"unit_id": UNIT_ID}, payload)

    assert caught.value.fields == fields
    assert caught.value.__context__ is None
    for value in ("19033603123", "4510", "Проверк", "Иван"):
        assert value not in str(caught.value)


def test_correct_refuses_to_correct_with_nothing(plugin: Plugin) -> None:
    with pytest.raises(Refused) as caught:
        plugin.correct(KIND, {"unit_id": UNIT_ID}, None)

    assert caught.value.fields == ("payload",)


def test_accept_refuses_another_kind_and_unknown_arguments(plugin: Plugin) -> None:
    with pytest.raises(Refused, match="kind"):
        plugin.accept("invoices", {"unit_id": 1}, None)
    with pytest.raises(Refused) as caught:
        plugin.accept(KIND, {"unit_id": 1, "unit": 2}, None)

    assert caught.value.fields == ("unit",)


@pytest.mark.parametrize(
    ("whole", "before"),
    [(42_000.0, 60.0), (600.0, 60.0), (300.0, 30.0), (10.0, 1.0), (9.9, None), (0.0, None)],
)
def test_last_look_comes_a_minute_before_the_deadline_or_a_tenth(
    plugin: Plugin, whole: float, before: float | None
) -> None:
    assert plugin.last_look_before(whole) == before


def test_plugin_tells_its_settings_in_seconds(plugin: Plugin) -> None:
    assert plugin.name is Provider.MONETA
    assert plugin.give_up_after(KIND) == timedelta(minutes=700).total_seconds()
    assert plugin.resumed_for(KIND, submitted=False) == plugin.give_up_after(KIND)
    assert plugin.resumed_for(KIND, submitted=True) is None
    assert plugin.limits.total_timeout == 30.0
    assert plugin.policy.first_after == 15


def test_plugin_shows_no_password(plugin: Plugin) -> None:
    assert PASSWORD not in repr(plugin)
    assert PASSWORD not in repr(vars(plugin))
