"""What an attempt at Mandarin remembers."""

from dataclasses import dataclass

from worker.providers.progress import Progress as StoredProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(StoredProgress):
    """How the last SMS code stands, and counts of what came in the place of an answer."""

    #: Which code, counted from 1, the next two speak of.
    code: int | None = None
    #: What became of sending it: a `Handed`.
    handed: str | None = None
    #: Polls since.
    looks: int | None = None
    #: Answers in a row that were not known.
    unknown: int = 0
    #: Replies in a row that were not Mandarin's.
    spoilt: int = 0
