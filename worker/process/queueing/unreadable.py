"""An entry of a queue that a worker cannot take: the cause, and what is stored of it.

Its bytes are never kept or shown. They may be a passport.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self


class Cause(StrEnum):
    """What is wrong with an entry."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NO_OBJECT = "no_object"
    PROPERTIES = "properties"
    HEADERS = "headers"
    #: The headers say how the body was compressed: not, with gzip, bzip2 or lzma.
    COMPRESSION = "compression"
    #: The body is no text, or not what `body_encoding` says.
    BODY_ENCODING = "body_encoding"
    #: Anything but JSON in UTF-8: pickle, YAML, nothing at all.
    CONTENT_TYPE = "content_type"
    CONTENT_ENCODING = "content_encoding"
    BODY_NOT_JSON = "body_not_json"
    #: The body is not Celery's list of arguments, keyword arguments and what is chained to them.
    BODY_SHAPE = "body_shape"
    ID = "id"
    TASK = "task"
    ETA = "eta"
    EXPIRES = "expires"
    #: Tasks that are to be sent after this one. A worker runs no task for others.
    CHAINED = "chained"
    #: None of these: Celery stumbled over it.
    OTHER = "other"


_IDS: Final = 255
_NAMES: Final = 255
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What is kept of an entry that cannot be taken."""

    cause: Cause
    queue: str
    #: When it was taken from its queue: RFC 3339.
    at: str
    #: Bytes.
    size: int
    sha256: str
    #: What could be read of it all the same.
    message_id: str | None = None
    task: str | None = None
    reference: str | None = None

    @classmethod
    def of(cls, cause: Cause, queue: str, entry: bytes) -> Self:
        """Describe an entry."""
        return cls(
            cause,
            queue,
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            len(entry),
            hashlib.sha256(entry).hexdigest(),
        )

    def naming(
        self, *, message_id: str | None = None, task: str | None = None, reference: str | None
    ) -> Self:
        """Return the same with what could be read of the entry."""
        return replace(self, message_id=message_id, task=task, reference=reference)

    @property
    def name(self) -> str:
        """The message's id; the entry's hash where it has none."""
        return self.message_id or f"sha256:{self.sha256}"

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: object) -> Self | None:
        """Read what `as_json` made; None: it is not that.

        Anybody who can write to a queue can write this, so nothing but its shape is believed.
        """
        if not isinstance(given, Mapping) or given.keys() != cls.__dataclass_fields__.keys():
            return None
        texts = [given[name] for name in ("cause", "queue", "at", "sha256")]
        if not all(isinstance(text, str) and len(text) <= _NAMES for text in texts):
            return None
        names = [given[name] for name in ("message_id", "task", "reference")]
        if not all(name is None or (isinstance(name, str) and len(name) <= _IDS) for name in names):
            return None
        if type(given["size"]) is not int or not set(given["sha256"]) <= _HEX:
            return None
        if given["cause"] not in set(Cause):
            return None
        return cls(**{**given, "cause": Cause(given["cause"])})
