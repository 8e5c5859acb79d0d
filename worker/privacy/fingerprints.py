"""Fingerprints: telling "the same data" from "other data" without keeping the data."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any


class Fingerprinter:
    """A keyed hash of canonical JSON: a phone or passport number cannot be guessed back from it."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(
        self,
        provider: str,
        kind: str,
        args: Mapping[str, Any],
        payload: Mapping[str, Any] | None,
    ) -> str:
        """Return 64 hex digits for what was enqueued, the same for the same data in any order."""
        canonical = json.dumps(
            [provider, kind, args, payload],
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        return self._hash(canonical)

    def of_subject(self, provider: str, subject: str) -> str:
        """Return 64 hex digits for whom a provider's notifications speak."""
        return self._hash(json.dumps([provider, "party", subject], ensure_ascii=False))

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
