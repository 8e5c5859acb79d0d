"""The rules of a worker's own user at the broker, as the runbook prints them."""

import re
from pathlib import Path
from typing import Final

_RUNBOOK: Final = Path(__file__).parents[2] / "docs" / "runbook.md"
_LINE: Final = re.compile(r"ACL SETUSER worker on '>PASSWORD' -@all((?:[^`]|\n)+?)\n\n")


def rules_of_a_worker() -> str:
    """Return the rules behind the user's name and password, with blanks between them."""
    found = _LINE.search(_RUNBOOK.read_text("utf-8"))
    assert found is not None
    return " ".join(found[1].replace("\\", " ").split())
