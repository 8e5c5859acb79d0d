"""What is logged once although it happens again and again."""

import time
from collections.abc import Callable
from typing import Final

#: Seconds after which the same is said again: it still goes on.
_AGAIN_AFTER: Final = 60.0


class Repeated:
    """Tells a text that is new, or was last said a while ago, from one that would only repeat."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._text: str | None = None
        self._logged_at = 0.0

    def is_news(self, text: str) -> bool:
        """Return whether to say it now; then it counts as said."""
        now = self._clock()
        if text == self._text and now - self._logged_at < _AGAIN_AFTER:
            return False
        self._text, self._logged_at = text, now
        return True
