"""The end of a stop that hangs: the process ends in time even then."""

import os
import threading
from collections.abc import Callable
from typing import Final

import structlog

from config.settings import Settings

log = structlog.get_logger(__name__)

#: Seconds beyond the longest call: for writing back, publishing and leaving.
MARGIN: Final = 10.0
#: Seconds in which leases can be given back, or their database hangs too.
_GOOD_BYE: Final = 3.0
_FAILED: Final = 1


def longest_stop(settings: Settings) -> float:
    """Return the seconds after which a stop waits no longer."""
    calls = [each.total_timeout.total_seconds() for each in settings.providers().values()]
    return max(calls, default=0.0) + MARGIN


class LastResort:
    """Ends the process some time after a stop was asked for.

    A server that is frozen answers nothing and closes nothing: a thread that reads from it waits
    without end. Ending here is as harmless as the supervisor's kill, which would come next.
    """

    def __init__(
        self,
        patience: float,
        good_bye: Callable[[], object],
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._patience = patience
        self._good_bye = good_bye
        self._end = end
        self._asked = threading.Event()
        # Waiting from the beginning on: a signal handler must not start threads.
        threading.Thread(target=self._wait, name="last resort", daemon=True).start()

    def ask(self) -> None:
        """Begin to count down to the forced end. May be called by a signal handler."""
        self._asked.set()

    def _wait(self) -> None:
        self._asked.wait()
        # Nothing takes this back: a process that has ended by itself is not there any more.
        threading.Event().wait(self._patience)
        log.error("stop_forced", after=self._patience)
        leaving = threading.Thread(target=self._good_bye, name="good-bye", daemon=True)
        leaving.start()
        leaving.join(_GOOD_BYE)
        self._end(_FAILED)
