"""What is read as JSON, and what two readers could understand differently."""

import pytest

from tests.support.providers.around import HARMLESS, SPOILING
from worker.providers.transport.strict_json import NamedTwice, NotJson, parse_json


def test_json_is_read() -> None:
    assert parse_json('{"а": [1, null, true]}'.encode()) == {"а": [1, None, True]}


@pytest.mark.parametrize(("before", "after"), HARMLESS.values(), ids=HARMLESS)
def test_json_is_read_when_what_says_nothing_stands_around_it(before: bytes, after: bytes) -> None:
    assert parse_json(before + b'{"a": 1}' + after) == {"a": 1}


@pytest.mark.parametrize(("before", "after"), SPOILING.values(), ids=SPOILING)
def test_json_is_none_when_anything_else_stands_around_it(before: bytes, after: bytes) -> None:
    with pytest.raises(NotJson):
        parse_json(before + b'{"a": 1}' + after)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b'{"a": 1', id="cut"),
        pytest.param(b'{"a": NaN}', id="not a number"),
        pytest.param(b'{"a": ' + b"9" * 6_000 + b"}", id="an endless number"),
        pytest.param(b"[" * 200_000, id="too deep"),
        pytest.param('{"a": "é"}'.encode("latin-1"), id="not UTF-8"),
    ],
)
def test_json_that_is_none_is_refused_without_a_quote(text: bytes) -> None:
    with pytest.raises(NotJson) as caught:
        parse_json(text)

    assert str(caught.value) == ""
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("text", [b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "a": 2}}]'])
def test_json_that_names_something_twice_is_refused(text: bytes) -> None:
    with pytest.raises(NamedTwice):
        parse_json(text)


@pytest.mark.parametrize("number", [b"1E+99999999999999999999", b"1e-99999999999999999999"])
def test_json_with_a_number_that_no_decimal_holds_is_refused_where_numbers_are_exact(
    number: bytes,
) -> None:
    with pytest.raises(NotJson):
        parse_json(b'{"a": ' + number + b"}", exact=True)
