"""Masking: what passes through it holds nothing that could be a person's."""

import re
import unicodedata

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from uprid_client.masking import MASK, mask_note, mask_text, shown_arguments

TOKEN = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("tel 79161234567 end", "tel … end", id="a bare phone"),
        pytest.param("+7 (916) 123-45-67", "…", id="a grouped phone"),
        pytest.param("phone:79161234567", "phone:…", id="a phone after a colon"),
        pytest.param("phone=79161234567", "phone=…", id="a phone after a sign"),
        pytest.param("x79161234567y", "x…y", id="a phone within a word"),
        pytest.param("112-233-445 95", "…", id="a SNILS"),
        pytest.param("11223344595", "…", id="a bare SNILS"),
        pytest.param("500100732259", "…", id="an INN"),
        pytest.param("45 00 123456", "…", id="a passport"),
        pytest.param('{"number":"4500123456"}', '{"number":"…"}', id="a passport in JSON"),
        pytest.param("Иванов Иван Иванович", "…", id="a name"),
        pytest.param("unit Иванов-Петров failed", "unit …failed", id="a name in a sentence"),
        pytest.param("Қазақстан Їжак", "…", id="letters of other languages"),
        pytest.param("from ivan.petrov+x@mail.example.ru now", "from … now", id="an e-mail"),
        pytest.param(f"sealed={TOKEN}", "sealed=…", id="a token"),
        pytest.param("redis://:s3cret@host:6379/0", "redis://:…@host:6379/0", id="a password"),
        pytest.param("postgresql://u:s3cret@h/d", "postgresql://u:…@h/d", id="a user's password"),
        pytest.param("redis://:p@ss@host/0", "redis://:…@host/0", id="a password with a separator"),
    ],
)
def test_mask_text_masks(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("HTTP 502 in 30.02 s", id="a status"),
        pytest.param("2026-11-21 12:34:56.789", id="a time"),
        pytest.param("2026-11-21T12:34:56.789123+00:00", id="an RFC 3339 time"),
        pytest.param("worker@host-1 pid 12345", id="a process"),
        pytest.param("500.7.11", id="a fault code"),
        pytest.param("https://service.moneta.ru/services", id="an address"),
        pytest.param("took 0.123456789 s", id="a short fraction"),
        pytest.param("127.0.0.1:6379", id="a socket"),
        pytest.param("order-123456789", id="a reference"),
    ],
)
def test_mask_text_leaves(text: str) -> None:
    assert mask_text(text) == text


TEXTS = st.text(
    st.characters(categories=["L", "N", "P", "S", "Z"]) | st.sampled_from("0123456789 -():.+абвЁ@")
)


@given(TEXTS)
def test_masked_text_holds_no_ten_digits_in_a_row(text: str) -> None:
    assert not re.search(r"\d{10}", mask_text(text))


@given(TEXTS)
def test_masked_text_holds_no_cyrillic(text: str) -> None:
    assert not [c for c in mask_text(text) if "CYRILLIC" in unicodedata.name(c, "")]


@given(st.text("0123456789", min_size=10, max_size=14), st.text(max_size=5), st.text(max_size=5))
def test_no_number_of_a_persons_survives_wherever_it_stands(
    number: str, before: str, after: str
) -> None:
    assert number not in mask_text(before + number + after)


@given(st.text())
def test_masking_again_changes_nothing(text: str) -> None:
    once = mask_text(text)

    assert mask_text(once) == once


def test_mask_note_leaves_words_and_masks_numbers_and_addresses() -> None:
    note = "Иванов просил повторить, тел.:79161234567, ivan@example.ru"

    assert mask_note(note) == "Иванов просил повторить, тел.:…, …"


# Arguments


def test_shown_arguments_are_those_that_are_open_by_contract() -> None:
    kwargs = {
        "reference": "order-1", "unit_id": 4242, "attempt": 2, "sealed": TOKEN, "by": "anna",
        "note": "asked by phone", "slot": "2026-11-21T12:00:00+00:00",
    }  # fmt: skip

    assert shown_arguments(kwargs) == (
        "{reference: 'order-1', unit_id: 4242, attempt: 2, sealed: …, by: …, note: …, "
        "slot: '2026-11-21T12:00:00+00:00'}"
    )


@pytest.mark.parametrize(
    ("kwargs", "shown"),
    [
        pytest.param({}, "{}", id="none"),
        pytest.param(["Иванов"], MASK, id="no mapping"),
        pytest.param(None, MASK, id="nothing"),
        pytest.param({"Иванов": 1}, "{…: …}", id="a name as a name"),
        pytest.param({"79161234567": 1}, "{…: …}", id="a phone as a name"),
        pytest.param({"x" * 41: 1}, "{…: …}", id="a long name"),
        pytest.param({"reference": "Иванов"}, "{reference: '…'}", id="a person's name"),
        pytest.param({"reference": "+79161234567"}, "{reference: '…'}", id="a phone"),
        pytest.param({"reference": "x" * 101}, "{reference: …}", id="a long reference"),
        pytest.param({"reference": {"a": 1}}, "{reference: …}", id="an object"),
        pytest.param({"unit_id": ["7916"]}, "{unit_id: …}", id="a list"),
        pytest.param({"unit_id": None}, "{unit_id: …}", id="null"),
        pytest.param({"unit_id": True}, "{unit_id: True}", id="a boolean"),
        pytest.param({"filters": {"invoice_id": 7}}, "{filters: …}", id="filters"),
        pytest.param({"operation": {"params": "Иванов"}}, "{operation: …}", id="an operation"),
        pytest.param({"sms_code": "314159"}, "{sms_code: …}", id="a code in clear"),
        pytest.param({"notification": "mntAccountId"}, "{notification: …}", id="a notification"),
    ],
)
def test_shown_arguments(kwargs: object, shown: str) -> None:
    assert shown_arguments(kwargs) == shown


@given(
    st.dictionaries(
        st.sampled_from(["reference", "unit_id", "async_id", "slot"]) | st.text(),
        st.text() | st.lists(st.text()) | st.none() | st.dictionaries(st.text(), st.text()),
    )
)
def test_shown_arguments_hold_neither_cyrillic_nor_ten_digits(kwargs: dict[str, object]) -> None:
    shown = shown_arguments(kwargs)

    assert not re.search(r"\d{10}", shown)
    assert not [c for c in shown if "CYRILLIC" in unicodedata.name(c, "")]
