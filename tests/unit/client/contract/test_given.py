"""What a marketplace gives is read alike in every field."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
from pydantic import ValidationError

from uprid_client.contract.given import WRITING, Given, Writing, is_given


class _Thing(Given):
    verbatim: ClassVar[frozenset[str]] = frozenset({"raw"})

    needed: str
    also: str | None = None
    count: int = 5
    raw: str | None = None


@pytest.mark.parametrize("blank", ["", " ", "\u00a0", "\u200b", "\t\n"], ids=ascii)
def test_blank_text_in_an_optional_field_is_not_given(blank: str) -> None:
    thing = _Thing.model_validate({"needed": "x", "also": blank, "count": blank, "raw": blank})

    assert (thing.also, thing.count, thing.raw) == (None, 5, None)


def test_blank_text_in_a_needed_field_stays_blank() -> None:
    assert _Thing.model_validate({"needed": "\u00a0"}).needed == ""


def test_unknown_field_is_refused_although_it_is_blank() -> None:
    with pytest.raises(ValidationError):
        _Thing.model_validate({"needed": "x", "unknown": ""})


def test_text_is_written_plainly_but_where_it_is_verbatim() -> None:
    thing = _Thing.model_validate({"needed": "a\u2014b", "also": "c\u00a0d", "raw": "e\u2014f"})

    assert (thing.needed, thing.also, thing.raw) == ("a-b", "c d", "e\u2014f")


def test_text_is_left_as_it_came_for_a_fingerprint() -> None:
    context = {WRITING: Writing.FINGERPRINTED}

    assert _Thing.model_validate({"needed": "a\u2014b"}, context=context).needed == "a\u2014b"


@pytest.mark.parametrize("value", [None, "", "\u00a0"], ids=ascii)
def test_nothing_and_blanks_are_not_given(value: object) -> None:
    assert not is_given(value)


@pytest.mark.parametrize("value", ["x", 0, False, [], {}], ids=ascii)
def test_everything_else_is_given(value: object) -> None:
    assert is_given(value)


def test_what_is_no_object_is_left_to_the_model() -> None:
    for value in ("text", 5, None, [1]):
        assert not isinstance(value, Mapping)
        with pytest.raises(ValidationError):
            _Thing.model_validate(value)
