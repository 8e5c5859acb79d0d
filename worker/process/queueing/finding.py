"""Finds the id and task of a message that is too large to read, in its first and last bytes."""

import re
from typing import Final

#: Bytes at either end. Celery writes the headers behind the body, others before it.
_ENDS: Final = 16 * 1024
_UUID: Final = rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ID: Final = re.compile(rb'"id"\s*:\s*"(' + _UUID + rb')"')
_TASK: Final = re.compile(rb'"task"\s*:\s*"(tasks\.[a-z]{1,30}\.[a-z_]{1,60})"')


def found_names(entry: bytes) -> tuple[str | None, str | None]:
    """Return an entry's message id and task name.

    Each only in the form that ids and tasks of ours have, and only where there is no second one: it
    may be the content that is found, and no part of it must be shown.
    """
    ends = entry[:_ENDS] + b"\n" + entry[-_ENDS:]
    return _only(_ID, ends), _only(_TASK, ends)


def _only(pattern: re.Pattern[bytes], text: bytes) -> str | None:
    found = set(pattern.findall(text))
    return found.pop().decode() if len(found) == 1 else None
