"""Percent-encoding in an address of a Redis server."""

from typing import Final
from urllib.parse import unquote_to_bytes

#: What to do about a sign that means something else where it stands.
ENCODE: Final = "percent-encode what stands in the user name or the password"


def resolved(text: str) -> str | None:
    """Resolve percent-encoding; None where it is not that of UTF-8."""
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return None
