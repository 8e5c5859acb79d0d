"""How faults of several kinds become one refusal."""

import pytest
from pydantic import BaseModel

from uprid_client.contract.validating import both, merged, validated
from uprid_client.errors import Refused


class _Pair(BaseModel):
    one: int
    two: int


def refused(*fields: str) -> int:
    raise Refused(" and ".join(fields), fields)


def test_validated_names_every_field_and_keeps_no_cause() -> None:
    with pytest.raises(Refused) as caught:
        validated(_Pair, {"one": "Проверкин"}, "payload")

    assert caught.value.fields == ("one", "two")
    assert "Проверкин" not in str(caught.value)
    assert caught.value.__context__ is None


def test_both_returns_what_both_return() -> None:
    assert both(lambda: 1, lambda: "two") == (1, "two")


@pytest.mark.parametrize(
    ("first", "second", "fields"),
    [
        pytest.param(("a",), (), ("a",), id="the first"),
        pytest.param((), ("b",), ("b",), id="the second"),
        pytest.param(("a",), ("b", "a"), ("a", "b"), id="both, each field once"),
    ],
)
def test_both_refuses_once_for_all(
    first: tuple[str, ...], second: tuple[str, ...], fields: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as caught:
        both(
            lambda: refused(*first) if first else 1,
            lambda: refused(*second) if second else 2,
        )

    assert caught.value.fields == fields


def test_merged_says_what_all_say() -> None:
    assert merged([Refused("no a", ["a"]), Refused("no b", ["b"])]).reason == "no a; no b"
