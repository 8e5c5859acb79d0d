"""Looking for personal values in everything that was written."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

#: Bytes of a group in base64: a text may begin at any of them.
_GROUP: Final = 3
#: Characters of base64 that do not come about by chance.
_SURE: Final = 6
_PHONE_DIGITS: Final = 10
_SNILS_DIGITS: Final = 11


def found(directory: Path, values: Iterable[str]) -> tuple[list[str], int]:
    """Return where a value stands in clear (file names, never the value), and the bytes read."""
    pattern = re.compile(b"|".join(sorted({form for value in values for form in _forms(value)})))
    places, size = [], 0
    for path in sorted(each for each in directory.rglob("*") if each.is_file()):
        content = path.read_bytes()
        size += len(content)
        if pattern.search(content):
            places.append(str(path.relative_to(directory)))
    return places, size


def _forms(value: str) -> Iterator[bytes]:
    """Yield patterns for the value as text, as escaped JSON, and as either in base64."""
    for text in _writings(value):
        for raw in {text.encode(), json.dumps(text)[1:-1].encode()}:
            # Digits alone would be found within times, ids and random tokens.
            edge = rb"(?<![0-9A-Za-z.])%s(?![0-9A-Za-z])" if text.isdigit() else rb"%s"
            yield edge % re.escape(raw)
            yield from (re.escape(form) for form in _in_base64(raw))


def _writings(value: str) -> set[str]:
    """Return the usual ways to write a value."""
    digits = "".join(mark for mark in value if mark.isdigit())
    writings = {value}
    if value.lstrip("+").replace("-", "").replace(" ", "").isdigit():
        if len(digits) == _SNILS_DIGITS and value.startswith("+"):
            core = digits[-_PHONE_DIGITS:]
            writings |= {core, *(start + core for start in ("7", "8", "+7"))}
        elif len(digits) == _SNILS_DIGITS:
            writings |= {digits, f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"}
    return writings


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of the bytes wherever in a text they stand, less the frayed ends."""
    for offset in range(_GROUP):
        whole = len(raw) - (len(raw) + offset) % _GROUP
        encoded = base64.b64encode(bytes(offset) + raw[:whole])
        sure = encoded[offset + 1 :] if offset else encoded
        if len(sure) >= _SURE:
            yield sure
