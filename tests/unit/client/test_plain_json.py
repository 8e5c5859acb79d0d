"""What a program has becomes what a message can carry, or is refused by its place."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uprid_client.plain_json import NotSendable, plain_json

ID = UUID("01234567-89ab-cdef-0123-456789abcdef")


class Sex(StrEnum):
    F = "female"


class Number(IntEnum):
    ONE = 1


class Plain(Enum):
    DAY = date(1990, 1, 31)


class Person:
    """A class of another program."""


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(date(1990, 1, 31), "1990-01-31", id="date"),
        pytest.param(ID, str(ID), id="uuid"),
        pytest.param(Sex.F, "female", id="text enum"),
        pytest.param(Number.ONE, 1, id="number enum"),
        pytest.param(Plain.DAY, "1990-01-31", id="enum of a date"),
        pytest.param((1, "x"), [1, "x"], id="tuple"),
        pytest.param(MappingProxyType({Sex.F: None}), {"female": None}, id="mapping"),
        pytest.param(2**64 - 1, 2**64 - 1, id="large"),
        pytest.param(True, True, id="boolean"),
        pytest.param(1.5, 1.5, id="fraction"),
    ],
)
def test_value_is_written_as_json(value: object, written: object) -> None:
    made = plain_json({"given": value}, "payload")

    assert made == {"given": written}
    assert type(made["given"]) is type(written)
    assert json.loads(json.dumps(made)) == made


@pytest.mark.parametrize(
    ("value", "what"),
    [
        pytest.param(datetime(1990, 1, 31, tzinfo=UTC), "give its date alone", id="time"),
        pytest.param(time(1), "give its ISO text", id="time of day"),
        pytest.param(Decimal("1.5"), "give an integer, or its text", id="decimal"),
        pytest.param(b"4510", "give its text", id="bytes"),
        pytest.param({"4510"}, "give a list", id="set"),
        pytest.param(Person(), "give text, a number", id="object"),
        pytest.param(float("nan"), "must be finite", id="nan"),
        pytest.param(float("-inf"), "must be finite", id="infinite"),
        pytest.param(2**64, "must be an integer of 64 bits", id="too large"),
        pytest.param(10**5000, "must be an integer of 64 bits", id="far too large"),
        pytest.param("\ud800", "must be text in Unicode", id="half a character"),
    ],
)
def test_what_json_has_not_is_refused_by_its_place(value: object, what: str) -> None:
    with pytest.raises(NotSendable) as caught:
        plain_json({"document": [{"issued": value}]}, "payload")

    assert caught.value.fields == ("payload.document.0.issued",)
    assert caught.value.errors[0].startswith("payload.document.0.issued: ")
    assert what in str(caught.value)
    assert "4510" not in str(caught.value)
    assert "1990" not in str(caught.value)
    assert caught.value.__context__ is None


def test_all_faults_are_named_at_once() -> None:
    value = {"a": Decimal(1), "b": {"c": b"x", "d": 1}, 5: "x", "Иван Иванов": {1}}

    with pytest.raises(NotSendable) as caught:
        plain_json(value, "payload")

    assert caught.value.fields == (
        "payload.a",
        "payload.b.c",
        "payload",
        "payload.(unnamed)",
    )


def test_what_lies_within_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(NotSendable, match="nested too deeply"):
        plain_json(value, "payload")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_json_stays_as_it_is(value: Mapping[str, Any]) -> None:
    assert plain_json(value, "payload") == value
