"""A meter that keeps what it is given, for tests to look at."""

import threading
from collections.abc import Sequence

from worker.engine.meter import ChunkMeasures


class RecordingMeter:
    """A `Meter`. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chunks: list[ChunkMeasures] = []

    def chunk_done(self, measures: ChunkMeasures) -> None:
        """Keep a chunk's measures."""
        with self._lock:
            self._chunks.append(measures)

    @property
    def chunks(self) -> Sequence[ChunkMeasures]:
        """The measures of all chunks, in the order in which they ended."""
        with self._lock:
            return tuple(self._chunks)
