"""How long calls of a test may take: without limit, except where its row is about a hang."""

from datetime import timedelta
from typing import Any, Final

import pytest

#: Words in the ids of rows whose answer does not come, or not to its end.
_NEVER: Final = frozenset({"drip", "slow", "hung"})
_PARTS: Final = ("connect_timeout", "read_timeout", "total_timeout")

#: On loopback, however busy the machine.
PATIENT: Final = dict.fromkeys(_PARTS, timedelta(seconds=30))
HURRIED: Final = dict.fromkeys(_PARTS, timedelta(seconds=1))


def limits_of(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the limits that a test's plugin is made with."""
    row = getattr(request.node, "callspec", None)
    words = () if row is None else row.id.split("-")
    return dict(PATIENT if _NEVER.isdisjoint(words) else HURRIED)
