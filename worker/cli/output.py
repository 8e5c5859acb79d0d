"""Writes to standard output: JSON for programs, tables and times for people."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.cli import streams

_PLAYED = re.compile("[\x7f-\x9f]")
_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
_UNITS = ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s"))
#: Columns of a pipe: it must not be cut to a terminal's width.
_PIPE_WIDTH = 240


def say(line: str = "") -> None:
    """Write one line."""
    streams.write(f"{line}\n")


def printable(text: str) -> str:
    """Return a text from outside without the characters that a terminal would act on."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def say_json(value: object) -> None:
    """Write a value as JSON on one line, at once, in what every encoding has where it must be."""
    written = json.dumps(value, ensure_ascii=not streams.is_utf_8())
    # JSON escapes only the first 32 of what a terminal plays.
    streams.write(_PLAYED.sub(lambda found: f"\\u{ord(found[0]):04x}", written) + "\n")
    streams.flush()


def say_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows under headings. Texts are shown as they are: brackets are no markup."""
    table = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    written = StringIO()
    Console(file=written, width=width, highlight=False).print(table)
    # The table fills its last column up with spaces, which wrap when the window is narrowed.
    for line in written.getvalue().splitlines():
        say(line.rstrip())


def moment(time: datetime | None) -> str:
    """Write a time for people: UTC, to the second."""
    return "" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def lasting(span: timedelta) -> str:
    """Write a duration for people, in the two units that matter."""
    seconds = abs(span.total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, part, part_name in _UNITS:
        if whole >= size:
            return f"{whole // size} {name} {whole % size // part} {part_name}"
    return f"{whole} s"
