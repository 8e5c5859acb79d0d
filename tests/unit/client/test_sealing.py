"""Sealing: what is personal opens with the keys alone, and rotation keeps the old ones opening."""

import traceback

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from uprid_client.errors import Unsealable
from uprid_client.sealing import LARGEST_CIPHERTEXT, Sealer, new_key

FIRST, SECOND = new_key(), new_key()
SEALER = Sealer([FIRST])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(
        st.characters(exclude_categories=["Cs"])
    ),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), inner
    ),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_seal_and_open_give_the_same_value(value: object) -> None:
    assert SEALER.open(SEALER.seal(value)) == value


@given(st.binary())
def test_bytes_come_back_as_they_were(content: bytes) -> None:
    assert SEALER.open_bytes(SEALER.seal_bytes(content)) == content


def test_token_is_over_utf_8_json_so_that_any_language_can_make_one() -> None:
    ciphertext = Fernet(FIRST).encrypt('{"имя": "Иван"}'.encode()).decode()

    assert SEALER.open(ciphertext) == {"имя": "Иван"}
    assert "Иван".encode() in Fernet(FIRST).decrypt(SEALER.seal({"имя": "Иван"}))


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '{"a": 1, "a": 1}', '[{"b": {"a": 1, "\\u0061": 2}}]']
)
def test_value_that_gives_a_name_twice_does_not_open(text: str) -> None:
    with pytest.raises(Unsealable):
        SEALER.open(SEALER.seal_bytes(text.encode()))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param('{"a": "é"}'.encode("utf-16"), id="utf-16"),
        pytest.param('{"a": "é"}'.encode("utf-32-le"), id="utf-32"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="half a character"),
    ],
)
def test_value_that_is_no_utf_8_does_not_open(content: bytes) -> None:
    with pytest.raises(Unsealable):
        SEALER.open(SEALER.seal_bytes(content))


def test_value_opens_that_begins_with_a_byte_order_mark() -> None:
    assert SEALER.open(SEALER.seal_bytes(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


def test_rotated_keys_open_what_the_old_one_sealed() -> None:
    ciphertext = Sealer([FIRST]).seal("old")

    assert Sealer([SECOND, FIRST]).open(ciphertext) == "old"


def test_first_key_seals() -> None:
    ciphertext = Sealer([SECOND, FIRST]).seal("new")

    assert Sealer([SECOND]).open(ciphertext) == "new"
    assert not Sealer([FIRST]).opens(ciphertext)


@pytest.mark.parametrize(
    "ciphertext",
    [
        pytest.param(Sealer([SECOND]).seal("x"), id="a foreign key's"),
        pytest.param(SEALER.seal("x")[:-4], id="cut off"),
        pytest.param(SEALER.seal("x").replace("g", "h", 1), id="changed"),
        pytest.param("", id="empty"),
        pytest.param("no token", id="no token"),
        pytest.param("gAAAAAЖ", id="not ASCII"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("x" * (LARGEST_CIPHERTEXT + 1), id="huge"),
    ],
)
def test_token_does_not_open(ciphertext: str) -> None:
    for call in (SEALER.open, SEALER.open_bytes):
        with pytest.raises(Unsealable) as raised:
            call(ciphertext)
        assert raised.value.__cause__ is None
        assert raised.value.__context__ is None or raised.value.__suppress_context__
    assert not SEALER.opens(ciphertext)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Ivan", id="no JSON"),
        pytest.param(b"\xff\xfe\xff", id="no UTF-8"),
        pytest.param(b"[" * 100_000, id="nested for ever"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_open_refuses_what_is_no_json(content: bytes) -> None:
    with pytest.raises(Unsealable):
        SEALER.open(SEALER.seal_bytes(content))


def test_huge_token_is_refused_unopened() -> None:
    ciphertext = SEALER.seal_bytes(b"x" * LARGEST_CIPHERTEXT)

    assert len(ciphertext) > LARGEST_CIPHERTEXT
    assert not SEALER.opens(ciphertext)


def test_unsealable_shows_nothing_of_what_was_sealed() -> None:
    ciphertext = SEALER.seal_bytes(bytes.fromhex("4976616e"))
    with pytest.raises(Unsealable) as raised:
        SEALER.open(ciphertext)

    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert "Ivan" not in shown
    assert ciphertext not in shown


def test_new_keys_are_fernet_keys_and_differ() -> None:
    assert len({new_key() for _ in range(10)}) == 10
    assert Sealer([new_key()]).opens(FIRST) is False
