"""Requests to stop: Ctrl-C, SIGTERM and a closed terminal lead to the same clean stop."""

import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Seconds. What comes sooner is the same request: `timeout` and a closing terminal signal twice.
_SAME_REQUEST: Final = 0.5


class StopRequests:
    """Notes the requests to stop. A context manager, in the main thread.

    The handler only notes the request, and the work checks it: an exception at any moment could
    leave a process behind that was started and not yet noted down.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None
        self._again = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _NUMBERS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def asked(self) -> bool:
        """Return whether a stop was requested."""
        return self._first is not None

    def hurried(self) -> bool:
        """Return whether a stop was requested twice."""
        return self._again

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        now = self._clock()
        if self._first is None:
            self._first = now
        elif now - self._first > _SAME_REQUEST:
            self._again = True
