"""How requests to NPD are signed."""

from hashlib import md5

import pytest

from worker.providers.npd.signature import signature_of

PROFILE = {
    "key": "k",
    "phone": "79001234567",
    "snils": "112-233-445 95",
    "middlename": "Иванович",
    "lastname": "Проверкин",
    "firstname": "Проверка",
    "bd": "1990-01-31",
}
#: The page's printed formula.
PRINTED = ("firstname", "lastname", "middlename", "phone")


def hashed(*values: str) -> str:
    return md5("".join(values).encode(), usedforsecurity=False).hexdigest()


def test_signature_is_the_published_one_for_a_known_text() -> None:
    assert signature_of({"phone": "message "}, "digest") == "f96b697d7cb7938d525a2f31aaf161d0"


def test_signature_is_over_all_values_by_name_but_for_the_key() -> None:
    assert signature_of(PROFILE, "secret") == hashed(
        "1990-01-31",
        "Проверка",
        "Проверкин",
        "Иванович",
        "79001234567",
        "112-233-445 95",
        "secret",
    )


@pytest.mark.parametrize("names", [PRINTED, (*PRINTED, "docissuer", "key")], ids=["some", "more"])
def test_signature_is_over_the_named_values_when_names_are_set(names: tuple[str, ...]) -> None:
    assert signature_of(PROFILE, "secret", names) == hashed(
        "Проверка", "Проверкин", "Иванович", "79001234567", "secret"
    )
