"""What is taken of a person, and how it is written."""

import unicodedata

import pytest
import structlog
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from stdnum.ru import inn as stdnum_inn

from worker.providers.person import (
    SNILS_CHECKSUM,
    BirthDate,
    Department,
    Inn,
    IssueDate,
    Issuer,
    MobilePhone,
    Name,
    PassportNumber,
    PassportSeries,
    Snils,
    faults_of,
)

TYPES: dict[str, TypeAdapter[str]] = {
    "snils": TypeAdapter(Snils),
    "inn": TypeAdapter(Inn),
    "phone": TypeAdapter(MobilePhone),
    "series": TypeAdapter(PassportSeries),
    "number": TypeAdapter(PassportNumber),
    "department": TypeAdapter(Department),
    "birth": TypeAdapter(BirthDate),
    "issued": TypeAdapter(IssueDate),
    "name": TypeAdapter(Name),
    "issuer": TypeAdapter(Issuer),
}


@pytest.mark.parametrize(
    ("kind", "given_as", "written"),
    [
        ("snils", "11223344595", "11223344595"),
        ("snils", "112-233-445 95", "11223344595"),
        ("snils", "01024236877", "01024236877"),
        ("snils", "15497129800", "15497129800"),
        ("snils", "11201709284", "11201709284"),
        ("snils", "001-001-998 00", "00100199800"),
        ("snils", "00100199899", "00100199899"),
        ("inn", "501716749325", "501716749325"),
        ("phone", "79001234567", "79001234567"),
        ("phone", "+7 (900) 123-45-67", "79001234567"),
        ("phone", "8 900 123 45 67", "79001234567"),
        ("phone", "8-900-123-45-67", "79001234567"),
        ("series", "0000", "0000"),
        ("series", "45 10", "4510"),
        ("number", "000001", "000001"),
        ("department", "770-001", "770-001"),
        ("birth", "1900-01-01", "1900-01-01"),
        ("birth", "2000-02-29", "2000-02-29"),
        ("issued", "2010-02-03", "2010-02-03"),
        ("name", "  Анна-Мария ", "Анна-Мария"),
        ("name", "О'Нил", "О'Нил"),
        ("name", "д’Артаньян", "д’Артаньян"),
        ("name", "Кызы  Али", "Кызы Али"),
        ("name", "Дж. Р.", "Дж. Р."),
        ("name", "Ё" * 100, "Ё" * 100),
        ("name", unicodedata.normalize("NFD", "Андрей"), "Андрей"),
        ("issuer", " ОВД  № 1, г. Тверь ", "ОВД № 1, г. Тверь"),
    ],
    ids=ascii,
)
def test_value_is_written_canonically(kind: str, given_as: str, written: str) -> None:
    assert TYPES[kind].validate_python(given_as) == written
    assert TYPES[kind].validate_python(written) == written


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("snils", "19033603123"),
        ("snils", "11223344596"),
        ("snils", "00000000000"),
        ("snils", "00100199900"),
        ("snils", "1122334459"),
        ("snils", "112233445955"),
        ("snils", "١١٢٢٣٣٤٤٥٩٥"),
        ("snils", "11223344595\n"),
        ("snils", 11223344595),
        ("inn", "501716749326"),
        ("inn", "501716749335"),
        ("inn", "5017167493"),
        ("inn", "7707083893"),
        ("inn", "000000000000"),
        ("inn", "001716749300"),
        ("inn", "50171674932５"),
        ("phone", "74951234567"),
        ("phone", "7900123456"),
        ("phone", "790012345678"),
        ("phone", "+8 900 123 45 67"),
        ("phone", "+380501234567"),
        ("phone", "7900123456x"),
        ("phone", "7+9001234567"),
        ("phone", ""),
        ("series", "451"),
        ("series", "45100"),
        ("series", "45-10"),
        ("series", 4510),
        ("number", "12345"),
        ("number", "123 456"),
        ("number", "123456\n"),
        ("department", "770001"),
        ("department", "770-0011"),
        ("birth", "31.01.1990"),
        ("birth", "19900131"),
        ("birth", "1990-W01-1"),
        ("birth", "1990-02-30"),
        ("birth", "1899-12-31"),
        ("birth", "1990-01-31T00:00:00"),
        ("birth", "٢٠٠٠-٠١-٠١"),
        ("name", ""),
        ("name", "   "),
        ("name", "-"),
        ("name", "Иван1"),
        ("name", "Иван\n"),
        ("name", "Ив\u200bан"),
        ("name", "Иван_"),
        ("name", "Ⅷ"),
        ("name", "<b>"),
        ("name", "Ё" * 101),
        ("name", "\ud800"),
        ("issuer", ""),
        ("issuer", " "),
        ("issuer", "ОВД\n№ 1"),
        ("issuer", "x" * 301),
    ],
    ids=ascii,
)
def test_value_is_refused(kind: str, value: object) -> None:
    with pytest.raises(ValidationError):
        TYPES[kind].validate_python(value)


def test_dates_end_with_the_first_day_on_russian_soil() -> None:
    with time_machine.travel("2026-08-01T13:00:00Z", tick=False):  # The 2nd in Kamchatka.
        TYPES["birth"].validate_python("2026-08-01")
        TYPES["issued"].validate_python("2026-08-02")
        with pytest.raises(ValidationError):
            TYPES["birth"].validate_python("2026-08-02")
        with pytest.raises(ValidationError):
            TYPES["issued"].validate_python("2026-08-03")


def test_snils_with_a_wrong_checksum_is_taken_with_a_warning_when_so_set() -> None:
    with structlog.testing.capture_logs() as logs:
        taken = TYPES["snils"].validate_python("19033603123", context={SNILS_CHECKSUM: "warn"})

    assert taken == "19033603123"
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("snils_checksum_wrong", "warning")
    ]
    assert "19033603123" not in str(logs)


def test_snils_of_zeros_is_refused_whatever_is_set() -> None:
    with pytest.raises(ValidationError):
        TYPES["snils"].validate_python("0" * 11, context={SNILS_CHECKSUM: "warn"})


@given(st.integers(min_value=1_001_999, max_value=999_999_999))
def test_snils_takes_one_check_of_a_hundred(number: int) -> None:
    digits = f"{number:09}"
    taken = []
    for check in range(100):
        try:
            taken.append(TYPES["snils"].validate_python(f"{digits}{check:02}"))
        except ValidationError:
            continue

    total = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 0, -1), strict=True))
    assert taken == [f"{digits}{(total % 101) % 100:02}"]


@given(st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_inn_is_taken_when_its_check_digits_hold(digits: str) -> None:
    whole = digits[:10] + stdnum_inn.calc_personal_check_digits(digits)

    if whole.startswith("00"):
        with pytest.raises(ValidationError):
            TYPES["inn"].validate_python(whole)
    else:
        assert TYPES["inn"].validate_python(whole) == whole


@given(st.text(max_size=60))
def test_name_is_refused_or_written_once_and_for_all(text: str) -> None:
    try:
        written = TYPES["name"].validate_python(text)
    except ValidationError:
        return

    assert TYPES["name"].validate_python(written) == written
    assert not any(mark.isdigit() for mark in written)


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    snils: Snils
    name: Name


class _Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    profile: _Inner


@pytest.mark.parametrize(
    ("value", "fields", "reason"),
    [
        pytest.param(
            {"profile": {"snils": "19033603123"}},
            ["profile.snils", "profile.name"],
            "profile.snils has a wrong checksum: look for a typing error; profile.name is missing",
            id="checksum and missing",
        ),
        pytest.param({}, ["profile"], "profile is missing", id="missing"),
        pytest.param({"profile": []}, ["profile"], "profile must be an object", id="not an object"),
        pytest.param("Ivanov", ["payload"], "payload must be an object", id="no object at all"),
        pytest.param(
            {"profile": {"snils": 1, "name": "x", "passport_no": 1}},
            ["profile.snils", "profile.passport_no"],
            "profile.snils must be a string; profile.passport_no is not known: remove it",
            id="unknown field",
        ),
        pytest.param(
            {"profile": {"snils": "11223344595", "name": "x", "Иванов Иван": 1}},
            ["profile.(unnamed)"],
            "profile.(unnamed) is not known: remove it",
            id="a key that is no name",
        ),
        pytest.param(
            {"profile": {"snils": "11223344595", "name": "x", "a" * 41: 1, "+7900": 1}},
            ["profile.(unnamed)"],
            "profile.(unnamed) is not known: remove it",
            id="keys too long",
        ),
    ],
)
def test_faults_name_the_fields_and_say_what_to_do(
    value: object, fields: list[str], reason: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(value)

    assert faults_of(caught.value) == (fields, reason)
