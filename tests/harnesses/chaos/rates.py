"""How many requests a provider gets when it comes back, measured at its stand-in."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import requests

from tests.harnesses.chaos.fleet import Fleet
from uprid_client.names import Provider

#: Seconds for which a provider that came back is watched, and seconds between two reads of its
#: counter.
_WATCHED: Final = 5.0
_EVERY: Final = 0.1
#: Requests beyond the rate: those that are due while the counter is read, and the probe that found
#: the provider back.
_SPARE: Final = 2


@dataclass(frozen=True, slots=True)
class Back:
    """A provider that came back."""

    provider: Provider
    rate: float
    #: Seconds since it came back, and its requests until then. The first entry has none.
    seen: Sequence[tuple[float, int]]

    @property
    def first_second(self) -> tuple[float, int]:
        """The second after the first request: how long it really was, and its requests."""
        before = [look for look in self.seen if look[1] == 0]
        began = before[-1][0] if before else 0.0
        for at, count in self.seen:
            if at - began >= 1.0:
                return at - began, count
        return 0.0, 0

    @property
    def is_stampede(self) -> bool:
        """Whether there were more requests than the rate allows."""
        lasted, count = self.first_second
        return count > self.rate * lasted + _SPARE


def watch_return(fleet: Fleet, provider: Provider) -> Back:
    """Let a provider answer again, and count its requests."""
    rate = float(fleet.settings[f"UPRID_{provider.upper()}__RATE_PER_SECOND"])
    before = asked(fleet)[provider]
    fleet.outage("up", provider)
    began = time.monotonic()
    seen: list[tuple[float, int]] = [(0.0, 0)]
    while seen[-1][0] < _WATCHED:
        time.sleep(_EVERY)
        looked_at = time.monotonic()
        count = asked(fleet)[provider] - before
        # A read takes time, and the span must not be measured too short. So it begins before the
        # last read without a request, and ends after the read that saw them all.
        seen.append(((looked_at if count == 0 else time.monotonic()) - began, count))
    return Back(provider, rate, seen)


def asked(fleet: Fleet) -> Mapping[Provider, int]:
    """Return how many requests each provider has received."""
    return {provider: sum(kinds.values()) for provider, kinds in requests_of(fleet).items()}


def requests_of(fleet: Fleet) -> Mapping[Provider, Mapping[str, int]]:
    """Return how many requests each provider has received, by kind."""
    answer = requests.get(f"http://127.0.0.1:{fleet.sandbox_port}/_sandbox/requests", timeout=10)
    return {Provider(name): kinds for name, kinds in answer.json().items()}
