"""Standard input, output and error as a command finds them: in any encoding, full, or closed.

A sign that an encoding lacks is written as an escape, a reader that went away ends a command
quietly, and a disk that is full is said in a line. None of them is worth a traceback.
"""

import errno
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO


class OutputLost(Exception):
    """Standard output takes no more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)
        #: Its reader has gone, as `head` does: no fault of anything.
        self.is_quiet = error.errno == errno.EPIPE
        self.line = f"standard output: cannot be written ({error.strerror})"


class InputUnusable(Exception):
    """Standard input cannot be read; the text says why."""


def prepare() -> None:
    """Make every character writable; a stream that was closed before the start takes everything."""
    # Python has None there, although its types do not say so.
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def by_line() -> None:
    """Write each line at once, as a log needs it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def arguments() -> list[str]:
    """Return what was typed, as UTF-8 also where the locale says otherwise (`LC_ALL=C`)."""
    typed = []
    for word in sys.argv:
        try:
            typed.append(os.fsencode(word).decode())
        except UnicodeError:
            typed.append(word)
    return typed


def path_of(word: str) -> Path:
    """Return the file that a typed word names, in every locale."""
    return Path(os.fsdecode(word.encode("utf-8", "surrogateescape")))


def as_file() -> None:
    """Make standard output UTF-8 if it is no terminal: then a file is written."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")


def is_utf_8() -> bool:
    """Return whether standard output takes every character."""
    # In a test it is a text of its own, without an encoding.
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-") in {
        "utf-8",
        "utf8",
    }


def write(text: str) -> None:
    """Write to standard output; raises `OutputLost`."""
    try:
        sys.stdout.write(text)
    except OSError as error:
        raise OutputLost(error) from None


def complain(line: str) -> None:
    """Write one line to standard error."""
    # With standard error gone too there is no place left to say it.
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")


def flush() -> None:
    """Write what is buffered; raises `OutputLost`."""
    try:
        sys.stdout.flush()
    except OSError as error:
        raise OutputLost(error) from None


def give_up() -> None:
    """Discard what is buffered: Python would try to write it once more at its end, and complain."""
    with suppress(OSError, ValueError), _nowhere() as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def read_text() -> str:
    """Return all of standard input, which is UTF-8, with or without a BOM.

    Raises `InputUnusable`.
    """
    if sys.stdin is None:
        raise InputUnusable("is closed")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except OSError as error:
        message = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        message = "is not UTF-8"
    raise InputUnusable(message)
