"""Watches a run for the longest time without a poll, dead processes and processes that hang."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import requests

from tests.harnesses.chaos.background import Background
from tests.harnesses.chaos.fleet import Fleet
from tests.harnesses.chaos.plan import FLEET
from tests.harnesses.chaos.rates import requests_of
from uprid_client.names import Provider

_EVERY: Final = 0.5
#: Providers whose stand-ins count polls under that name.
_POLLED: Final = (Provider.MONETA, Provider.MANDARIN)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a poll, in seconds."""

    lasted: float = 0.0
    #: From the start of the run.
    at: float = 0.0
    #: The latest fault when it began.
    after: str = ""


class Watch(Background):
    """A thread that checks twice a second, used as a context manager."""

    def __init__(self, fleet: Fleet, latest: Callable[[], str], busy: Callable[[], bool]) -> None:
        super().__init__("watch")
        self._fleet = fleet
        self._latest = latest
        self._busy = busy
        self._began = time.monotonic()
        self._polls = 0
        self._quiet = (self._began, "")
        #: The longest time without a poll so far.
        self.gap = Gap()
        #: Processes that ended by themselves, with the last lines of their logs.
        self.ended: dict[str, str] = {}

    def _live(self) -> None:
        while not self._stopping.wait(_EVERY):
            with suppress(requests.RequestException):
                self._look_at_polls()
            for name, tail in self._fleet.ended_by_themselves().items():
                self.ended[f"{name} ({time.monotonic() - self._began:.0f} s)"] = tail
                # Reported once: then it is started again, as a supervisor does.
                self._fleet.revive(name)

    def _look_at_polls(self) -> None:
        counted = requests_of(self._fleet)
        polls = sum(counted[provider].get("poll", 0) for provider in _POLLED)
        now = time.monotonic()
        if polls != self._polls or not self._busy():
            self._polls = polls
            self._quiet = (now, self._latest())
        since, after = self._quiet
        if now - since > self.gap.lasted:
            self.gap = Gap(now - since, since - self._began, after)


def silent(fleet: Fleet) -> dict[str, float]:
    """Return for how many seconds each process has not asked its broker for a message."""
    now = time.monotonic()
    return {name: now - fleet.links[name].broker.seen_at for name in FLEET}
