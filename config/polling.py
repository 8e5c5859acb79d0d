"""When the next poll is: a schedule as data, and the pure functions that read it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class PollPolicy(BaseModel):
    """A poll schedule: wait `first_after`, then walk `steps`, then repeat `then`. All in seconds.

    A step is (how many polls, how far apart). `jitter` is the share by which every wait is
    drawn shorter or longer, so that operations that started together do not stay together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_after: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
    steps: tuple[tuple[Count, Seconds], ...] = ()
    then: Seconds
    jitter: Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)] = 0.1

    def wait(self, polls: int, draw: float) -> float:
        """Return the seconds until the next poll of an attempt that was polled `polls` times.

        `draw` is a random number in [0, 1); 0.5 gives the wait without jitter.
        """
        return self._jittered(self._plain(polls), draw)

    def backoff(self, consecutive_failures: int, draw: float) -> float:
        """Return the seconds until a request is repeated after `consecutive_failures`.

        Doubles from the schedule's own first wait up to its last, so that a schedule made
        faster makes its recovery faster too.
        """
        base = max(self.first_after, 1.0)
        doubled = base * 2.0 ** min(max(consecutive_failures - 1, 0), 30)
        return self._jittered(min(doubled, max(self.then, base)), draw)

    @property
    def longest(self) -> float:
        """The longest wait that this policy can draw."""
        waits = [self.first_after, self.then, *(apart for _, apart in self.steps)]
        return max(waits) * (1 + self.jitter)

    def _plain(self, polls: int) -> float:
        if polls <= 0:
            return self.first_after
        past = polls - 1
        for how_many, apart in self.steps:
            if past < how_many:
                return apart
            past -= how_many
        return self.then

    def _jittered(self, seconds: float, draw: float) -> float:
        return seconds * (1 + self.jitter * (2 * draw - 1))
