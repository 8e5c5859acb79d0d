"""Files of settings that only their owner reads: `NAME='value'` lines, as a shell sources them."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_OWNER_ONLY: Final = 0o600


def write(path: Path, settings: Mapping[str, str]) -> None:
    """Write the file whole or not at all; no other user can read it at any moment."""
    write_text(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items()))


def write_text(path: Path, text: str) -> None:
    """Write any text in the same way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        with open(fresh, "x", encoding="utf-8", opener=_opened_by_owner) as file:
            file.write(text)
        fresh.replace(path)
    except OSError:
        # Such as a full disk: no half of it stays behind.
        fresh.unlink(missing_ok=True)
        raise


def read(path: Path) -> dict[str, str]:
    """Return what was written, nothing where there is no file; ValueError if it is garbled."""
    if not path.exists():
        return {}
    try:
        words = shlex.split(path.read_text("utf-8"), comments=True)
    except ValueError:  # not UTF-8, or a quote that is not closed
        words = [""]
    if not all("=" in word for word in words):
        message = f"{path} is garbled: remove it, or correct it"
        raise ValueError(message)
    return dict(word.split("=", 1) for word in words)


def _opened_by_owner(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER_ONLY)
