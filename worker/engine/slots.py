"""Slots: many due times, few messages. Pure.

A slot is a moment in time at which a provider's due operations are worked on together. The further
away a due time lies, the wider its slot: a sixtieth of the way, in steps of two, so that the grids
nest and all processes compute the same slot at any time. What waits in the broker is then
a hundred-odd messages for a provider, however many operations wait.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

_SHARE: Final = 60


def slot_of(due: datetime, now: datetime, width: timedelta) -> datetime:
    """Return the slot in which an operation due at `due` is worked on: never before it is due."""
    due = max(due, now)
    base = max(round(width / timedelta(milliseconds=1)), 1)
    ahead = (due - now) / timedelta(milliseconds=1)
    doublings = max(math.floor(math.log2(max(ahead / _SHARE / base, 1.0))), 0)
    wide = base * 2**doublings
    milliseconds = math.ceil(due.timestamp() * 1000)
    return datetime.fromtimestamp(-(-milliseconds // wide) * wide / 1000, UTC)


def slots_of(dues: Iterable[datetime], now: datetime, width: timedelta) -> set[datetime]:
    """Return the slots of many due times."""
    return {slot_of(due, now, width) for due in dues}


def countdown_to(slot: datetime, now: datetime, longest: timedelta) -> float:
    """Return the seconds of a slot's message. A slot further away is approached in several."""
    return min(max((slot - now).total_seconds(), 0.0), longest.total_seconds())
