"""What the NPD plugin takes and promises without a call."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.providers.npd import KEY, PERSON, PHONE, SECRET, UNIT_ID, settings, work
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.outcomes import NeedsPerson
from worker.providers.npd.plugin import NpdPlugin
from worker.providers.protocol import Plugin

KIND = "identification"


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    made = NpdPlugin(settings("http://127.0.0.1:9/npdapi"), None)
    yield made
    made.close()


def without(*path: str) -> dict[str, Any]:
    """Return a person without one member."""
    *into, name = path
    if not into:
        return {key: value for key, value in PERSON.items() if key != name}
    kept = {key: value for key, value in PERSON["passport"].items() if key != name}
    return {**PERSON, "passport": kept}


def passport(**values: object) -> dict[str, Any]:
    return {**PERSON, "passport": {**PERSON["passport"], **values}}


@pytest.mark.parametrize("args", [{}, {"unit_id": UNIT_ID}, {"unit_id": 2**63 - 1}], ids=repr)
def test_accept_takes_a_person_with_and_without_a_unit(
    plugin: Plugin, args: dict[str, int]
) -> None:
    intake = plugin.accept(KIND, args, PERSON)

    assert (intake.kind, intake.args, intake.payload) == (KIND, args, PERSON)
    assert intake.subject == PHONE


def test_accept_writes_the_same_person_in_the_same_way(plugin: Plugin) -> None:
    typed = {
        **passport(series="00 00"),
        "phone": "8 (900) 123-45-67",
        "snils": "112-233-445 95",
        "last_name": " Проверкин ",
    }

    for intake in (plugin.accept(KIND, {}, typed), plugin.correct(KIND, {"unit_id": 1}, typed)):
        assert intake.payload == PERSON
        assert intake.subject == PHONE


def test_correct_keeps_the_arguments(plugin: Plugin) -> None:
    assert plugin.correct(KIND, {"unit_id": 1}, PERSON).args == {"unit_id": 1}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("snils",), None, id="no snils"),
        pytest.param(("passport", "issuer"), None, id="no issuer"),
        pytest.param(("passport", "issued"), None, id="no issued"),
        pytest.param(("passport", "department"), None, id="no department"),
    ],
)
def test_accept_leaves_out_what_is_null(plugin: Plugin, path: tuple[str, ...], value: None) -> None:
    nulled = {**PERSON, path[0]: value} if len(path) == 1 else passport(**{path[1]: value})

    assert plugin.accept(KIND, {}, nulled).payload == without(*path)
    assert plugin.accept(KIND, {}, without(*path)).payload == without(*path)


@pytest.mark.parametrize("blank", ["", "\u202f\t"], ids=ascii)
def test_accept_takes_a_blank_optional_field_as_not_given(plugin: Plugin, blank: str) -> None:
    assert plugin.accept(KIND, {}, {**PERSON, "snils": blank}).payload == without("snils")
    taken = plugin.accept(KIND, {}, passport(issuer=blank)).payload
    assert taken == without("passport", "issuer")


def test_accept_takes_null_for_no_patronymic(plugin: Plugin) -> None:
    taken = plugin.accept(KIND, {}, {**PERSON, "middle_name": None}).payload

    assert taken == {**PERSON, "middle_name": ""}


def test_accept_says_to_give_null_for_no_patronymic(plugin: Plugin) -> None:
    for value in ("", "-", "нет"):
        with pytest.raises(Refused) as caught:
            plugin.accept(KIND, {}, {**PERSON, "middle_name": value})
        said = "middle_name must be a name: give null where there is none"
        assert caught.value.reason == said
    with pytest.raises(Refused) as missing:
        plugin.accept(KIND, {}, without("middle_name"))

    assert missing.value.reason == "middle_name is missing: give null where there is none"


BAD = [
    *(
        pytest.param({}, without(name), {name}, id=f"no {name}")
        for name in ("phone", "first_name", "last_name", "middle_name", "birth_date", "passport")
    ),
    *(
        pytest.param({}, without("passport", name), {f"passport.{name}"}, id=f"no {name}")
        for name in ("series", "number")
    ),
    *(
        pytest.param({"unit_id": value}, PERSON, {"unit_id"}, id=f"unit {value!r}")
        for value in (True, 0, -1, 2**63, "4242", 1.0, [1])
    ),
    pytest.param({"unit": 1}, PERSON, {"unit"}, id="unknown argument"),
    pytest.param({}, {**PERSON, "inn": "501716749325"}, {"inn"}, id="unknown member"),
    pytest.param({}, None, {"sealed"}, id="no payload"),
    pytest.param({}, [PERSON], {"sealed"}, id="a list"),
    pytest.param({}, {**PERSON, "snils": "11223344596"}, {"snils"}, id="snils"),
    pytest.param({}, {**PERSON, "phone": "74951234567"}, {"phone"}, id="phone"),
    pytest.param({}, {**PERSON, "birth_date": "2990-01-01"}, {"birth_date"}, id="birth date"),
    pytest.param({}, {**PERSON, "first_name": ""}, {"first_name"}, id="empty name"),
    pytest.param({}, passport(department="1"), {"passport.department"}, id="department"),
    pytest.param({}, passport(id=1), {"passport.id"}, id="unknown member of the passport"),
    pytest.param(
        {"unit_id": 0},
        {**passport(number="1"), "phone": "x"},
        {"unit_id", "phone", "passport.number"},
        id="all at once",
    ),
]


@pytest.mark.parametrize(("args", "payload", "fields"), BAD)
def test_accept_refuses_bad_input_and_names_its_fields(
    plugin: Plugin, args: dict[str, Any], payload: object, fields: set[str]
) -> None:
    with pytest.raises(Refused) as refused:
        plugin.accept(KIND, args, payload)

    assert set(refused.value.fields) == fields
    assert "Проверкин" not in str(refused.value)


def test_accept_refuses_another_kind(plugin: Plugin) -> None:
    with pytest.raises(Refused) as refused:
        plugin.accept("invoices", {}, PERSON)

    assert refused.value.fields == ("kind",)


def test_accept_takes_a_wrong_snils_when_the_setting_says_warn() -> None:
    made = NpdPlugin(settings("http://127.0.0.1:9/npdapi", snils_checksum="warn"), None)

    assert made.accept(KIND, {}, {**PERSON, "snils": "11223344596"}).payload is not None
    made.close()


def test_plugin_promises_what_the_engine_asks(plugin: Plugin) -> None:
    assert plugin.name is Provider.NPD
    assert plugin.give_up_after(KIND) == timedelta(minutes=700).total_seconds()
    assert plugin.last_look_before(42_000) is None
    for submitted in (False, True):
        assert plugin.resumed_for(KIND, submitted=submitted) == plugin.give_up_after(KIND)
    assert plugin.limits.rate_per_second == 20


@pytest.mark.parametrize(
    ("progress", "prepares"),
    [({}, True), ({"profile": "x", "document": "y", "unit_id": 1}, True), ({"ready": True}, False)],
    ids=["fresh", "of an attempt before", "ready"],
)
def test_prepares_until_both_steps_are_done_for_these_data(
    plugin: Plugin, progress: dict[str, Any], *, prepares: bool
) -> None:
    assert plugin.prepares(KIND, progress) is prepares


STORED = {"profile": "x", "document": "y", "unit_id": 1, "doc_id": 2}


@pytest.mark.parametrize(
    ("next_attempt", "kept"),
    [(True, STORED), (False, {**STORED, "ready": True})],
    ids=["retry", "resume"],
)
def test_keep_forgets_counts_and_whether_the_data_are_the_same(
    plugin: Plugin, kept: dict[str, Any], *, next_attempt: bool
) -> None:
    progress = {**STORED, "ready": True, "checks": 2, "confirmations": 1, "unknown": 3}

    assert plugin.carry_over(KIND, progress, next_attempt=next_attempt) == kept


@pytest.mark.parametrize("step", ["prepare", "submit"])
def test_step_without_data_needs_a_person(plugin: Plugin, step: str) -> None:
    outcome = getattr(plugin, step)(work(State.ACCEPTED, payload=None))

    assert isinstance(outcome, NeedsPerson)
    assert outcome.reason.code is ReasonCode.DATA_INCOMPLETE
    assert outcome.calls == 0


def test_plugin_shows_no_secret(plugin: Plugin) -> None:
    assert KEY not in repr(plugin)
    assert SECRET not in repr(vars(plugin))
