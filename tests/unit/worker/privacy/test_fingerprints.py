"""Fingerprints: the same data gives the same hash, other data another, and none can be guessed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from worker.privacy.fingerprints import Fingerprinter

KEY = "a fingerprint key"
PERSON = {"profile": {"first_name": "Иван", "cell_phone": "79161234567"}, "document": {}}


def fingerprint(
    provider: str = "moneta",
    kind: str = "identification",
    args: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = PERSON,
    key: str = KEY,
) -> str:
    return Fingerprinter(key).of(provider, kind, args or {"unit_id": 7}, payload)


def test_fingerprint_is_64_hex_digits() -> None:
    assert len(bytes.fromhex(fingerprint())) == 32


def test_fingerprint_is_the_same_in_any_order() -> None:
    turned = {
        "document": {},
        "profile": {"cell_phone": "79161234567", "first_name": "Иван"},
    }

    assert fingerprint(payload=turned) == fingerprint()
    assert fingerprint(args={"a": 1, "b": 2}) == fingerprint(args={"b": 2, "a": 1})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"provider": "npd"}, id="another provider"),
        pytest.param({"kind": "invoices"}, id="another kind"),
        pytest.param({"args": {"unit_id": 8}}, id="other arguments"),
        pytest.param({"args": {"unit_id": "7"}}, id="a text for a number"),
        pytest.param({"payload": None}, id="no payload"),
        pytest.param({"payload": {**PERSON, "document": {"number": "1"}}}, id="other data"),
        pytest.param({"key": "another key"}, id="another key"),
    ],
)
def test_fingerprint_is_another_for(change: dict[str, Any]) -> None:
    assert fingerprint(**change) != fingerprint()


def test_fingerprint_cannot_be_made_without_the_key() -> None:
    canonical = json.dumps(
        ["moneta", "identification", {"unit_id": 7}, PERSON],
        sort_keys=True, separators=(",", ":"), ensure_ascii=False,
    ).encode()  # fmt: skip

    assert fingerprint() != hashlib.sha256(canonical).hexdigest()


def test_fingerprint_never_changes_from_one_release_to_the_next() -> None:
    """Stored ones would no longer match: the same data would be refused as other data."""
    assert fingerprint(payload={"a": "Ж"}) == (
        "5958c50edb40cac28faf84ba474dbb898db5c69241ea72a16b000f9592f4b271"
    )
