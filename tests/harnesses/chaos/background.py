"""Work that goes on beside the faults: a thread for the time of a `with` block."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final, Self

#: Seconds that a thread may take to end: longer than any wait for a server that is away.
_GRACE: Final = 60.0


class Background(ABC):
    """A thread, used as a context manager."""

    def __init__(self, name: str) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    @abstractmethod
    def _live(self) -> None:
        """Work until `_stopping` is set."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join(_GRACE)
