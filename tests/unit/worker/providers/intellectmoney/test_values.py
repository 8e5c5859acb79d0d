"""The values of replies, however they are written."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from worker.providers.intellectmoney.replies import (
    Flag,
    Integer,
    InvoiceState,
    OptionalGuid,
    Printable,
    Sum,
    Text,
    replied_moment,
)
from worker.providers.intellectmoney.requests import asked_date

_KINDS = {"sum": Sum, "integer": Integer, "flag": Flag, "state": InvoiceState}


def named(value: object) -> str:
    """Return a row's id: an annotated type's own text has an address in it."""
    return next((name for name, kind in _KINDS.items() if kind is value), ascii(value))


GUID = "f2c33a48-17c8-4889-a327-5ad1b6260cd5"


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Sum, "11.0000", Decimal("11.0000")),
        (Sum, " -0.5 ", Decimal("-0.5")),
        (Sum, 12, Decimal(12)),
        (Sum, Decimal("1E+3"), Decimal(1000)),
        (Sum, "", None),
        (Integer, "7", 7),
        (Integer, -7, -7),
        (Integer, "", None),
        (Integer, None, None),
        (Flag, "true", 1),
        (Flag, True, 1),
        (Flag, "0", 0),
        (Flag, 0, 0),
        (Flag, "", None),
        (InvoiceState, 3, "ToPaid"),
        (InvoiceState, "7", "7"),
        (OptionalGuid, GUID.upper(), GUID),
        (OptionalGuid, "00000000-0000-0000-0000-000000000000", None),
        (OptionalGuid, 7, None),
        (Text, 7, "7"),
        (Text, "\ud800x", "?x"),
        (Text, "x" * 5_000, "x" * 4_000),
        (Text, {"a": 1}, None),
        (Printable, "A\x00-\n1", "A-1"),
        (Printable, "\x00", None),
    ],
)
def test_values_are_read_from_what_either_language_has(
    kind: Any,  # noqa: ANN401 - an annotated type
    value: object,
    read: object,
) -> None:
    assert TypeAdapter(kind).validate_python(value) == read


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Sum, "1e5"), (Sum, "1,5"), (Sum, "NaN"), (Sum, "٣"), (Sum, True), (Sum, 10**18),
        (Sum, 1.5), (Sum, "1" * 19), (Sum, "0." + "1" * 11),
        (Sum, Decimal("1E+18")), (Sum, Decimal("1E+1000000")), (Sum, Decimal("1E-11")),
        (Sum, Decimal("Infinity")),
        (Integer, "7.0"), (Integer, True), (Integer, 2**63), (Integer, "9" * 19), (Integer, []),
        (Integer, "0\xa0"), (Integer, "\u20037"), (Sum, "1\x1f"),
        (Flag, 2), (Flag, "yes"), (Flag, 1.0),
        (InvoiceState, None), (InvoiceState, "Иван"), (InvoiceState, "a" * 41),
        (InvoiceState, True), (InvoiceState, "two words"),
    ],
    ids=named,
)  # fmt: skip
def test_values_that_are_none_spoil_the_reply(
    kind: Any,  # noqa: ANN401 - as above
    value: object,
) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-02T10:12:00", datetime(2026, 6, 2, 7, 12, tzinfo=UTC)),
        ("2026-06-02T10:12:00.4", datetime(2026, 6, 2, 7, 12, 0, 400_000, tzinfo=UTC)),
        ("2026-06-02T10:12:00.1234567", datetime(2026, 6, 2, 7, 12, 0, 123_456, tzinfo=UTC)),
        ("2026-06-02T10:12:00Z", datetime(2026, 6, 2, 10, 12, tzinfo=UTC)),
        ("9999-12-31T23:59:59.9999999", datetime(9999, 12, 31, 20, 59, 59, 999_999, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00.0000000", None),
        ("", None),
        (None, None),
    ],
)
def test_moments_are_moscow_time_without_a_zone(text: object, moment: datetime | None) -> None:
    assert replied_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    ["today", "2026-06-02", "2026-13-02T10:12:00", "0001-01-01T01:00:00", 7, "/Date(1)/"],
)
def test_moments_that_are_none_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="no moment"):
        replied_moment(text)


@pytest.mark.parametrize(
    ("date_format", "written"),
    [("%m.%d.%Y", "01.31.2026"), ("%d.%m.%Y", "31.01.2026"), ("%Y-%m-%d", "2026-01-31")],
)
def test_dates_are_asked_for_as_the_setting_says(date_format: str, written: str) -> None:
    assert asked_date("2026-01-31", date_format) == written
