"""What an attempt remembers of its first two steps, in `progress`: what was sent, and the ids.

What was sent is remembered by a keyed hash: a step is done again only where its data changed.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from worker.providers.npd.requests import Parameters, document_parameters, profile_parameters
from worker.providers.npd.types import Document, Method

#: Both steps are done for the very data that are to be identified.
READY: Final = "ready"
UNIT_ID: Final = "unit_id"
_PROFILE: Final = "profile"
_DOCUMENT: Final = "document"
DOC_ID: Final = "doc_id"
_LASTING: Final = frozenset({_PROFILE, _DOCUMENT, UNIT_ID, DOC_ID})


@dataclass(frozen=True, slots=True)
class Prints:
    """The keyed hashes of what the two steps send."""

    profile: str
    document: str

    @classmethod
    def of(cls, payload: Mapping[str, Any], secret: bytes) -> "Prints":
        """Return the hashes of a payload's data."""
        return cls(
            _print(Method.PROFILE, profile_parameters(payload), secret),
            _print(Method.DOCUMENT, document_parameters(payload), secret),
        )

    def has_profile(self, progress: Mapping[str, Any]) -> bool:
        """Tell whether the profile was sent as it is."""
        return progress.get(_PROFILE) == self.profile

    def has_document(self, progress: Mapping[str, Any]) -> bool:
        """Tell whether the passport was sent as it is, and the unit was named."""
        return progress.get(_DOCUMENT) == self.document and UNIT_ID in progress

    def with_profile(self, progress: Mapping[str, Any]) -> dict[str, Any]:
        """Remember that the profile was sent; forget a unit that may be another person's."""
        kept = {_PROFILE: self.profile}
        return {**progress, **kept} if self.has_document(progress) else kept

    def with_document(self, progress: Mapping[str, Any], stored: Document) -> dict[str, Any]:
        """Remember that the passport was sent and what it was stored as."""
        ids = {UNIT_ID: stored.unit_id, DOC_ID: stored.doc_id}
        return {**progress, _DOCUMENT: self.document, **ids, READY: True}


def lasting(progress: Mapping[str, Any], *, next_attempt: bool) -> dict[str, Any]:
    """Return what outlasts a person's resume or retry; counts never do.

    In a next attempt the data may be others, so that its first step compares them anew.
    """
    kept = _LASTING if next_attempt else _LASTING | {READY}
    return {name: value for name, value in progress.items() if name in kept}


def _print(method: Method, parameters: Parameters, secret: bytes) -> str:
    # The method in front: the same values under another one are something else.
    text = json.dumps([method.value, parameters], sort_keys=True, ensure_ascii=False)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
