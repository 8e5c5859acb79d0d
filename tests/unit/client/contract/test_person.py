"""What is taken of a person, and how it is written."""

import unicodedata
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError, create_model
from stdnum.ru import inn as stdnum_inn

from uprid_client.contract.field_errors import errors_of
from uprid_client.contract.given import WRITING, Given, Writing
from uprid_client.contract.person import (
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
    PatronymicOrNull,
    Snils,
)


class Field:
    """A field of a model of what is given, by itself."""

    def __init__(self, kind: Any) -> None:  # noqa: ANN401 - an annotated type
        self._model = create_model("Model", __base__=Given, value=(kind, ...))

    def validate_python(self, value: object, context: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        return self._model.model_validate({"value": value}, context=context).value  # type: ignore[attr-defined]


TYPES: dict[str, Field] = {
    "snils": Field(Snils),
    "inn": Field(Inn),
    "phone": Field(MobilePhone),
    "series": Field(PassportSeries),
    "number": Field(PassportNumber),
    "department": Field(Department),
    "birth": Field(BirthDate),
    "issued": Field(IssueDate),
    "name": Field(Name),
    "patronymic": Field(PatronymicOrNull),
    "issuer": Field(Issuer),
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
        ("name", "Салтыков \u2013 Щедрин", "Салтыков-Щедрин"),
        ("name", "Анна-- Мария", "Анна-Мария"),
        ("name", "О'Нил", "О'Нил"),
        ("name", "д’Артаньян", "д'Артаньян"),
        ("name", "Кызы  Али", "Кызы Али"),
        ("name", "Дж. Р.", "Дж. Р."),
        ("name", "Ё" * 100, "Ё" * 100),
        ("name", unicodedata.normalize("NFD", "Андрей"), "Андрей"),
        ("issuer", " ОВД  № 1, г. Тверь ", "ОВД № 1, г. Тверь"),
        ("issuer", "ОВД\n№ 1", "ОВД № 1"),
        ("snils", "112.233.445 95", "11223344595"),
        ("inn", "5017 1674 9325", "501716749325"),
        ("phone", "+7.900.123.45.67", "79001234567"),
        ("series", "45-10", "4510"),
        ("number", "123 456", "123456"),
        ("patronymic", None, ""),
        ("patronymic", "Петровна", "Петровна"),
        ("patronymic", "Гасан оглы", "Гасан оглы"),
        ("patronymic", "Б.", "Б."),
        ("name", "Не Вин", "Не Вин"),
        ("name", "Но", "Но"),
    ],
    ids=ascii,
)
def test_value_is_written_canonically(kind: str, given_as: str | None, written: str) -> None:
    assert TYPES[kind].validate_python(given_as) == written
    if written:
        assert TYPES[kind].validate_python(written) == written


@pytest.mark.parametrize(
    "value",
    [
        "", "-", "\u2014", "нет", "Отсутствует", "б/о", "none", "N/A", "нет.", "(нет)", "«нет»",
        "'нет'", "НЕТ-ОТЧЕСТВА", "Нет отч.", "нету отчества", "отч. отсутствует", "Без отч.",
        "нет (иностранец)", "не имеет", "н.д.", "Б. О.", "n/a.", "N.A.", "null.", "no patronymic",
    ],
)  # fmt: skip
def test_word_for_no_patronymic_is_refused_and_null_is_named(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TYPES["patronymic"].validate_python(value)

    _, reason = errors_of(caught.value)
    assert reason == "value must be a name: give null where there is none"


@pytest.mark.parametrize("name", ["s11223344595", "451012", "phone_79001234567", "Ольга"])
def test_field_whose_name_may_be_a_persons_is_not_named(name: str) -> None:
    model = create_model("Model", __base__=Given)

    with pytest.raises(ValidationError) as caught:
        model.model_validate({name: 1})

    assert errors_of(caught.value) == (["(unnamed)"], "(unnamed) is not known: remove it")


#: What a word processor, a phone's keyboard, a web page and a PDF make of one and the same value.
SPELLINGS = {
    "snils": ("112-233-445 95", "11223344595"),
    "inn": ("5017-1674 9325", "501716749325"),
    "phone": ("+7 900 123-45-67", "79001234567"),
    "series": ("45 10", "4510"),
    "number": ("123-456", "123456"),
    "department": ("770-001", "770-001"),
    "birth": ("1990-01-31", "1990-01-31"),
    "issued": ("2010-02-03", "2010-02-03"),
    "name": ("О'Нил-Ким Ан", "О'Нил-Ким Ан"),
    "patronymic": ("Кызы-Али", "Кызы-Али"),
    "issuer": ("УМВД - отдел О'К", "УМВД - отдел О'К"),
}
BLANKS = "\u00a0\u1680\u2000\u2007\u2009\u200a\u2028\u202f\u205f\u3000\u2800\t\n\r\x0b\x85"
HYPHENS = (
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d\u058a\u2e3a"
    "\u2027\u23af\u2500\u2501"
)
APOSTROPHES = "`\u00b4\u02b9\u02bc\u2018\u2019\u201b\u2032\uff07"
INVISIBLE = (
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\ufe0f\U000e0101"
)


@pytest.mark.parametrize("kind", SPELLINGS)
@given(data=st.data())
def test_typography_makes_no_difference_in_any_field(kind: str, data: st.DataObject) -> None:
    typed, written = SPELLINGS[kind]
    spelt = "".join(
        data.draw(
            {
                " ": st.text(BLANKS + " ", min_size=1, max_size=2),
                "-": st.sampled_from(HYPHENS + "-"),
                "'": st.sampled_from(APOSTROPHES + "'"),
            }.get(sign, st.sampled_from(_wide_too(sign)))
        )
        + data.draw(st.text(INVISIBLE, max_size=1))
        for sign in typed
    )
    around = data.draw(st.text(BLANKS + INVISIBLE, max_size=2))

    given_as = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD"])), spelt)

    assert TYPES[kind].validate_python(around + given_as + around) == written


def _wide_too(sign: str) -> str:
    return sign + chr(ord(sign) + 0xFEE0) if sign.isascii() and sign.isdigit() else sign


@given(st.text(max_size=40))
def test_name_is_written_for_fingerprints_as_0_1_0_wrote_it(text: str) -> None:
    name = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip(" ")
    name = " ".join(part for part in name.split(" ") if part)
    taken = (
        0 < len(text) <= 100
        and any(c.isalpha() for c in name)
        and all(c.isalpha() or c in " -.'\u2019\u02bc" for c in name)
    )
    try:
        written = TYPES["name"].validate_python(text, {WRITING: Writing.FINGERPRINTED})
    except ValidationError:
        assert not taken
    else:
        assert taken
        assert written == name


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
        ("snils", 11223344595),
        ("inn", "501716749326"),
        ("inn", "501716749335"),
        ("inn", "5017167493"),
        ("inn", "7707083893"),
        ("inn", "000000000000"),
        ("inn", "001716749300"),
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
        ("series", 4510),
        ("number", "12345"),
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
        ("name", "Иван_"),
        ("name", "Ⅷ"),
        ("name", "<b>"),
        ("name", "Ё" * 101),
        ("name", "\ud800"),
        ("issuer", ""),
        ("issuer", " "),
        ("issuer", "x" * 301),
        ("issuer", "ОВД\x00"),
        ("name", "Ива\u0301н"),
        ("name", None),
        ("name", "отсутствует"),
        ("name", "нет."),
        ("name", "Нет Данных"),
        ("name", "не-указано"),
        ("name", "N/A"),
        ("name", "Иванoв"),
        ("name", "Аnna-Мария"),
        ("patronymic", ""),
        ("patronymic", "\u00a0"),
        ("patronymic", "-"),
        ("patronymic", "\u2014"),
        ("patronymic", "нет"),
        ("patronymic", " НЕТ\u00a0"),
        ("patronymic", "б/о"),
        ("patronymic", "none"),
        ("patronymic", "n\u200b/a"),
        ("patronymic", 5),
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


def test_snils_with_a_wrong_checksum_is_taken_with_a_warning_when_so_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken = TYPES["snils"].validate_python("19033603123", context={SNILS_CHECKSUM: "warn"})

    assert taken == "19033603123"
    assert [(each.message, each.levelname) for each in caplog.records] == [
        ("snils_checksum_wrong", "WARNING")
    ]
    assert "19033603123" not in caplog.text


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


class _Inner(Given):
    snils: Snils
    name: Name


class _Outer(Given):
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

    assert errors_of(caught.value) == (fields, reason)
