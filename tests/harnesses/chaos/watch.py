"""Watches a run: how long no poll came, and whether every process lives and takes messages."""

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
#: Whose stand-ins see polls by that name.
_POLLED: Final = (Provider.MONETA, Provider.MANDARIN)


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which no poll came. Seconds."""

    lasted: float = 0.0
    #: From the beginning of the run.
    at: float = 0.0
    #: The fault that was latest when it began.
    after: str = ""


class Watch(Background):
    """A thread that looks twice a second; a context manager."""

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
        #: Processes that ended by themselves, with what they wrote last.
        self.ended: dict[str, str] = {}

    def _live(self) -> None:
        while not self._stopping.wait(_EVERY):
            with suppress(requests.RequestException):
                self._look_at_polls()
            for name, tail in self._fleet.ended_by_themselves().items():
                self.ended[f"{name} ({time.monotonic() - self._began:.0f} s)"] = tail
                # Seen once: a supervisor starts it again.
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
