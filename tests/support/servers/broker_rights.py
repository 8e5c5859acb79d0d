"""The rules of a worker's own user at the broker, as the runbook prints them."""

import re
from pathlib import Path
from typing import Final

_RUNBOOK: Final = Path(__file__).parents[3] / "docs" / "runbook.md"
_RULES: Final = re.compile(r"^- (commands|keys|channels): `([^`]+)`$", re.MULTILINE)


def rules_of_a_worker() -> str:
    """Return the rules behind the user's name and password, with blanks between them."""
    found = dict(_RULES.findall(_RUNBOOK.read_text("utf-8")))
    assert found.keys() == {"commands", "keys", "channels"}
    return " ".join(found.values())
