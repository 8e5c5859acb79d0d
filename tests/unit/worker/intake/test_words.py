import pytest

from uprid_client.contract.words import is_provider_ref, is_reference, name_of, note_of


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(" olga ", "olga", id="spaces around"),
        pytest.param("Ольга Ким", "Ольга Ким", id="a name"),
        pytest.param("olga@corp.example", "olga", id="a login name that is an address"),
        pytest.param("79031234567@mail.example", "…", id="a phone before the @"),
        pytest.param("+7 903 123-45-67", "…", id="a phone"),
        pytest.param(" ", None, id="nobody"),
        pytest.param("o" * 101, None, id="too long"),
        pytest.param("a\nb", None, id="two lines"),
        pytest.param("a\x00", None, id="a NUL"),
        pytest.param("\ud83d", None, id="half a character"),
    ],
)
def test_name_is_kept_as(given: str, kept: str | None) -> None:
    assert name_of(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("проверили\n\tв кабинете\u00a0сами", "проверили в кабинете сами", id="lines"),
        pytest.param("звонил +7 903 123-45-67", "звонил …", id="a phone"),
        pytest.param("ivan@mail.example просил", "… просил", id="an address"),
        pytest.param("see order 1234567", "see order 1234567", id="a number of our own"),
        pytest.param("n" * 501, None, id="too long"),
        pytest.param("a\x1b[2J", None, id="a sequence that clears the screen"),
        pytest.param("a\x00b", None, id="a NUL"),
        pytest.param("a\ud83d", None, id="half a character"),
        pytest.param("a\u202eb", None, id="a turn of the writing's direction"),
    ],
)
def test_note_is_kept_as(given: str, kept: str | None) -> None:
    assert note_of(given) == kept


@pytest.mark.parametrize("given", ["37027", "a" * 100, "x-1:2"])
def test_provider_ref_may_be(given: str) -> None:
    assert is_provider_ref(given)


@pytest.mark.parametrize("given", ["", "3 7", "a" * 101, "…", "37\n"])
def test_provider_ref_may_not_be(given: str) -> None:
    assert not is_provider_ref(given)


@pytest.mark.parametrize("given", ["", " a", "a\n", "a\x1b", "\udcff", "r" * 256])
def test_reference_may_not_be(given: str) -> None:
    assert not is_reference(given)
