"""What an attempt at NPD remembers: of its first two steps what was sent, and the ids.

What was sent is remembered by a keyed hash: a step is done again only where its data changed.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.providers.npd.requests import Parameters, document_parameters, profile_parameters
from worker.providers.npd.types import Document, Method
from worker.providers.progress import Progress as StoredProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(StoredProgress):
    """What the first two steps sent and were answered, and counts."""

    #: Both steps are done for the very data that are to be identified.
    ready: bool = False
    #: The keyed hashes of what the two steps sent.
    profile: str | None = None
    document: str | None = None
    #: The unit and the document that NPD named.
    unit_id: int | None = None
    doc_id: int | None = None
    #: How often the unit was found anonymous past the deadline, and after a SUCCESS.
    checks: int = 0
    confirmations: int = 0

    def lasting(self, *, next_attempt: bool) -> "Progress":
        """Return what a person's resume or retry keeps; counts are never kept.

        In a next attempt the data may be others, so that its first step compares them anew.
        """
        ready = self.ready and not next_attempt
        return Progress(
            ready=ready,
            profile=self.profile,
            document=self.document,
            unit_id=self.unit_id,
            doc_id=self.doc_id,
        )


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

    def has_profile(self, progress: Progress) -> bool:
        """Return whether the profile was sent as it is."""
        return progress.profile == self.profile

    def has_document(self, progress: Progress) -> bool:
        """Return whether the passport was sent as it is, and the unit was named."""
        return progress.document == self.document and progress.unit_id is not None

    def with_profile(self, progress: Progress) -> Progress:
        """Remember that the profile was sent; forget a unit that may be another person's."""
        if self.has_document(progress):
            return replace(progress, profile=self.profile)
        return Progress(profile=self.profile)

    def with_document(self, progress: Progress, stored: Document) -> Progress:
        """Remember that the passport was sent and what it was stored as."""
        return replace(
            progress,
            document=self.document,
            unit_id=stored.unit_id,
            doc_id=stored.doc_id,
            ready=True,
        )


def _print(method: Method, parameters: Parameters, secret: bytes) -> str:
    # The method in front: the same values under another one are something else.
    text = json.dumps([method.value, parameters], sort_keys=True, ensure_ascii=False)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
