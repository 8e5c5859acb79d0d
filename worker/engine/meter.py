"""The meter: what is measured of a chunk, for an exporter of metrics."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from uprid_client.names import Provider
from worker.engine.admission import Breaker
from worker.engine.calls import Answer, Call
from worker.engine.chunk import Chunk


@dataclass(frozen=True, slots=True)
class ChunkMeasures:
    """What one chunk did. `Measuring` counts it; a new counter is a field there and here."""

    provider: Provider
    #: Operations that were claimed.
    claimed: int
    #: Operations that were asked about, by the kind of call: submits, polls, settlements and so on.
    calls: Mapping[Call, int]
    #: What the calls came to, by the outcome's class: `Started`, `Pending` and so on.
    outcomes: Mapping[str, int]
    #: How long the calls lasted, added up. They run side by side, so this may exceed the chunk's
    #: own time.
    seconds_in_calls: float
    #: How late the operation that was overdue longest was when it was claimed.
    seconds_late: float
    #: How the provider's breaker stood at the chunk's end.
    breaker: Breaker


class Meter(Protocol):
    """What takes the measures of chunks. Called by any thread."""

    def chunk_done(self, measures: ChunkMeasures) -> None:
        """Note a chunk's measures. Called once a chunk; returns at once, and never raises."""


class NoMeter:
    """A meter that notes nothing."""

    def chunk_done(self, measures: ChunkMeasures) -> None:
        """Do nothing."""
        del measures


NO_METER: Final = NoMeter()


class Measuring:
    """The measures of one chunk while its answers come in. For one thread."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._calls: Counter[Call] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._milliseconds = 0

    def count(self, answers: Sequence[Answer]) -> None:
        """Count what has come in."""
        for answer in answers:
            self._calls[answer.call] += 1
            self._outcomes[type(answer.outcome).__name__] += 1
            self._milliseconds += answer.took

    def measures(self, provider: Provider, breaker: Breaker) -> ChunkMeasures:
        """Return what the chunk did; `breaker`: as it stands now."""
        claimed, now = self._chunk.claimed, self._chunk.now
        late = ((now - row.due_at).total_seconds() for row in claimed)
        return ChunkMeasures(
            provider=provider,
            claimed=len(claimed),
            calls=dict(self._calls),
            outcomes=dict(self._outcomes),
            seconds_in_calls=self._milliseconds / 1000,
            seconds_late=max(late, default=0.0),
            breaker=breaker,
        )
