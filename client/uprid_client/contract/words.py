"""Texts that people and programs give: what part may be stored and shown again. Pure."""

import re
from typing import Final

from uprid_client.masking import mask_name, mask_note

LONGEST_REFERENCE: Final = 255
LONGEST_NOTE: Final = 500
LONGEST_NAME: Final = 100
_PROVIDER_REF: Final = re.compile(r"[!-~]{1,100}")


def is_reference(given: str) -> bool:
    """Return whether a text may be an operation's reference."""
    return 0 < len(given) <= LONGEST_REFERENCE and given.isprintable() and given == given.strip()


def is_provider_ref(given: str) -> bool:
    """Return whether a text may be a provider's id of an attempt."""
    return _PROVIDER_REF.fullmatch(given) is not None


def name_of(given: str) -> str | None:
    """Return who acts, as it is stored: of an address the part before the @; None: not a name."""
    name = given.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return None
    return mask_name(name)


def note_of(given: str) -> str | None:
    """Return a note, as it is stored: one line, masked; None: cannot be stored."""
    # Control characters would be played on the reader's terminal.
    note = " ".join(given.split())
    if len(given) > LONGEST_NOTE or not note.isprintable():
        return None
    return mask_note(note)
