"""An entry of the result stream: an event of ours, or something that another writer put there.

Every program with the broker's password can write to the stream, by mistake or on purpose. A reader
that stumbles over such an entry would be given it again with every start.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn

from uprid_client.errors import UpridError

#: The CloudEvents attribute `source` of every event of ours.
SOURCE: Final = "uprid-worker"
_NEEDED: Final = ("id", "type", "subject", "time", "data")


class ForeignEntry(UpridError):
    """The entry is no event of ours."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is read of an event. Its type may be one of a newer release."""

    id: str
    type: str
    subject: str
    time: datetime
    data: Mapping[str, Any] = field(repr=False)


def read(fields: Mapping[str, str]) -> Entry:
    """Return the event of an entry; raise `ForeignEntry`, which names what is wrong, no value.

    Bytes that are not UTF-8 come as surrogates (`server.connect`).
    """
    errors = [f"{name} is missing" for name in _NEEDED if name not in fields]
    if fields.get("source") != SOURCE:
        # Another program's CloudEvent looks like one of ours, and has other data.
        errors.append(f"source is not {SOURCE}")
    errors += [f"{name} is empty" for name in ("id", "type") if fields.get(name) == ""]
    errors += [f"{name} is not UTF-8" for name in _NEEDED if not _is_text(fields.get(name, ""))]
    time = _time(fields.get("time", ""))
    if "time" in fields and time is None:
        errors.append("time is not RFC 3339 with a zone")
    data = _object(fields.get("data", ""))
    if "data" in fields and data is None:
        errors.append("data is no JSON object")
    if errors or time is None or data is None:
        raise ForeignEntry(", ".join(errors))
    return Entry(fields["id"], fields["type"], fields["subject"], time, data)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(value: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if time.tzinfo is None else time


def _no_number(_name: str) -> NoReturn:
    # Python reads NaN and Infinity, and JSON has neither.
    raise ValueError


def _object(value: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
