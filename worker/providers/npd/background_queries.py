"""Questions to MONETA in the background: when MONETA hangs, calls to NPD must not wait.

A chunk is held by its slowest call, and a process works on few chunks of one provider: with MONETA
hanging, the questions to it would fill them all, and starts at NPD would wait for time limits. So a
question that is not answered at once goes on by itself, and its answer is taken at the next look.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from worker.domain.outcomes import Outcome, Pending, Trouble
from worker.providers.moneta.groups import Membership
from worker.providers.npd.moneta_queries import MonetaQueries

#: Seconds that an answer is waited for; not at all while another one is that slow.
PATIENCE: Final = 0.5
#: Seconds that an answer is kept for the operation: longer than the backoff after a slow one.
_KEPT: Final = 600.0

T = TypeVar("T")
#: Identifies a question: equal keys have the same answer.
_Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class _Asked:
    answer: "Future[Any]"
    #: By the monotonic clock.
    at: float

    def is_slow(self, now: float) -> bool:
        return not self.answer.done() and now - self.at > PATIENCE

    def is_worth_nothing(self) -> bool:
        """Return whether it ended without an answer, so that asking again may help."""
        done = self.answer.done() and self.answer.exception() is None
        return done and isinstance(self.answer.result(), Pending)


class BackgroundQueries:
    """Questions to MONETA that never take longer than `PATIENCE`. Make it after a fork."""

    def __init__(self, moneta: MonetaQueries, places: int) -> None:
        """Ask in so many threads at most; `moneta` is closed with this."""
        self._moneta = moneta
        self._places = places
        self._executor = ThreadPoolExecutor(places, "npd-moneta")
        self._lock = threading.Lock()
        self._asked: dict[_Key, _Asked] = {}

    def close(self) -> None:
        """Let the questions that are under way end, which is bounded; then close the connections.

        The bound is the session's own: it must not be closed under a question.
        """
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._moneta.close()

    def group(self, unit_id: int, progress: Mapping[str, Any]) -> Membership | Outcome:
        """Ask which group holds a unit."""
        key = ("group", unit_id, _remembered(progress))
        return self._ask(key, lambda: self._moneta.group(unit_id, progress))

    def status(self, async_id: int, unit_id: int, progress: Mapping[str, Any]) -> Outcome:
        """Ask how a task of a unit stands."""
        key = ("status", async_id, _remembered(progress))
        return self._ask(key, lambda: self._moneta.status(async_id, unit_id, progress))

    def _ask(self, key: _Key, question: Callable[[], T]) -> T | Pending:
        with self._lock:
            now = time.monotonic()
            self._forget(key, now)
            patience = PATIENCE
            if any(each.is_slow(now) for each in self._asked.values()):
                patience = 0.0
            asked = self._asked.get(key)
            if asked is None:
                under_way = sum(not each.answer.done() for each in self._asked.values())
                if under_way >= self._places:
                    return Pending("too slow to be asked more", Trouble.DEPENDENCY, calls=0)
                asked = self._asked[key] = _Asked(self._executor.submit(question), now)
        try:
            answer: T = asked.answer.result(patience)
        except TimeoutError:
            return Pending("no answer yet", Trouble.DEPENDENCY)
        finally:
            with self._lock:
                if asked.answer.done():
                    self._asked.pop(key, None)
        return answer

    def _forget(self, key: _Key, now: float) -> None:
        """Drop answers that were not fetched: their operations went on in another process."""
        old = [k for k, a in self._asked.items() if a.answer.done() and now - a.at > _KEPT]
        for each in old:
            del self._asked[each]
        if key in self._asked and self._asked[key].is_worth_nothing():
            del self._asked[key]


def _remembered(progress: Mapping[str, Any]) -> str:
    return json.dumps(progress, sort_keys=True)
