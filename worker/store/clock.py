"""The database's time, carried forward by this host's monotonic clock."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: Seconds after which the difference of the two clocks is measured again,
_CALIBRATED_FOR: Final = 10.0
#: and after which, where what is known is as coarse as that.
_AGAIN_SOON: Final = 1.0
_COARSE: Final = 0.1
#: Seconds that two clocks go apart in one second at most; quartz is ten times as good.
_DRIFT: Final = 1e-3


@dataclass(frozen=True, slots=True)
class _Known:
    """A measurement: the database's time at a moment of the monotonic clock."""

    at: datetime
    moment: float
    #: Seconds that it may be wrong by.
    doubt: float


class Clock:
    """The database's time as far as this process knows it. For any thread.

    The answer to a measurement was written at some moment between question and reply, so it may be
    wrong by half of what it took. One that is coarser than what is known already is thrown away,
    but for what it proves: the time lies between the two ends.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: _Known | None = None
        self._put_off_until = float("-inf")
        self._expired = False

    @property
    def is_set(self) -> bool:
        """Whether the time is known at all."""
        return self._known is not None

    def is_due(self) -> bool:
        """Return whether it is time to measure again."""
        known, moment = self._known, self._monotonic()
        if known is None or self._expired:
            return True
        good_for = _CALIBRATED_FOR if known.doubt <= _COARSE else _AGAIN_SOON
        return moment - known.moment > good_for and moment >= self._put_off_until

    def now(self) -> datetime:
        """Return the database's time; only once it was measured."""
        known = self._known
        if known is None:
            message = "the database's time was never measured"
            raise RuntimeError(message)
        return known.at + timedelta(seconds=self._monotonic() - known.moment)

    def measure(self, ask: Callable[[], datetime]) -> None:
        """Take the database's answer to what time it is as a measurement."""
        before = self._monotonic()
        asked = ask().astimezone(UTC)
        after = self._monotonic()
        took = after - before
        with self._lock:
            self._known = _learned(self._known, asked, after, took)
            self._expired = False

    def expire(self) -> None:
        """Have the next transaction measure, even after a recent measurement."""
        self._expired = True

    def put_off(self) -> None:
        """Use the last measurement for a while: the database cannot be asked."""
        self._expired = False
        self._put_off_until = self._monotonic() + _AGAIN_SOON


def _learned(known: _Known | None, asked: datetime, moment: float, took: float) -> _Known:
    if known is not None:
        passed = moment - known.moment
        doubt = known.doubt + abs(passed) * _DRIFT
        if took / 2 > doubt:
            carried = known.at + timedelta(seconds=passed)
            return _Known(min(max(carried, asked), asked + timedelta(seconds=took)), moment, doubt)
    return _Known(asked + timedelta(seconds=took / 2), moment, took / 2)
