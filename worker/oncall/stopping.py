"""Being asked to stop: Ctrl-C, SIGTERM and a closed terminal lead to the same clean stop."""

import signal
from types import FrameType, TracebackType
from typing import Any, Final, Self

_NUMBERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_IN_A_HURRY: Final = 2


class StopRequests:
    """Counts the requests to stop. A context manager, in the main thread.

    The handler only counts, and whoever works looks: an exception in the middle of anything would
    leave a process behind that was started and not yet noted down.
    """

    def __init__(self) -> None:
        self._count = 0
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
        """Tell whether somebody asked for a stop."""
        return self._count > 0

    def hurried(self) -> bool:
        """Tell whether somebody asked a second time."""
        return self._count >= _IN_A_HURRY

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
