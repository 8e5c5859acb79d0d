"""One writing for what people type, paste and print."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uprid_client.contract.typography import plain


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Анна\u00a0\u202f Мария\t\r\n", "Анна Мария"),
        ("\ufeffАнна\u2011Мария\u200b", "Анна-Мария"),
        ("Анна\u2014Мария", "Анна-Мария"),
        ("Алек\u00adсандр", "Александр"),
        ("О\u02bcНил", "О'Нил"),
        ("О`Нил", "О'Нил"),
        ("и\u0306ё", "йё"),
        ("и\u200d\u0306", "й"),
        ("\uff11\uff12\uff0d\uff21", "12-A"),
        ("ОВД № 1 «Тверь», т. 5/6", "ОВД № 1 «Тверь», т. 5/6"),
        ("\u0661\u0662", "\u0661\u0662"),
        ("Ива\u0301н", "Ива\u0301н"),
        ("Ив\x00ан", "Ив\x00ан"),
        ("\u3000\u2800", ""),
        ("\ud800", "\ud800"),
    ],
    ids=ascii,
)
def test_text_is_written_plainly(typed: str, written: str) -> None:
    assert plain(typed) == written


@given(st.text(max_size=200))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(st.text(max_size=200))
def test_nothing_but_printing_is_lost(text: str) -> None:
    """Every letter and digit is kept, in its order, with any characters between them."""

    def kept(value: str) -> list[str]:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFC", value))
        return [c for c in folded if unicodedata.category(c) in {"Lu", "Ll", "Lo", "Nd"}]

    fillers = "\u115f\u1160\u3164\uffa0"
    bare = "".join(c for c in unicodedata.normalize("NFC", text) if c not in fillers)
    invisible = {"Cf", "Mn"}
    if not any(unicodedata.category(c) in invisible for c in bare):
        assert kept(plain(text)) == kept(bare)


def test_text_that_no_field_can_hold_is_left_alone() -> None:
    text = "\u00a0" * 10_001

    assert plain(text) is text
