"""Following logs: what the processes write, on the terminal, each line with its writer's name."""

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

#: Seconds between two looks.
_EVERY: Final = 0.2
#: Bytes that are read of one file at a time, and the longest line that is waited for.
_AT_ONCE: Final = 65_536


class Follower:
    """Prints what is appended to logs, from their beginnings on."""

    def __init__(self) -> None:
        self._read: dict[Path, int] = {}
        self._width = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self, logs: Iterable[Path]) -> None:
        """Begin."""
        self._read = dict.fromkeys(logs, 0)
        self._width = max((len(log.stem) for log in self._read), default=0)
        self._thread.start()

    def stop(self) -> None:
        """Print what is left, and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(_EVERY)
            try:
                for log in self._read:
                    while self._print_some(log):
                        pass
            except OSError:  # the reader is gone: the logs stay where they are
                return

    def _print_some(self, log: Path) -> bool:
        """Print whole lines from where the last round ended; False where there are none."""
        with log.open("rb") as file:
            file.seek(self._read[log])
            some = file.read(_AT_ONCE)
        whole = some[: some.rfind(b"\n") + 1] or (some if len(some) == _AT_ONCE else b"")
        self._read[log] += len(whole)
        for line in whole.decode("utf-8", errors="replace").splitlines():
            sys.stdout.write(f"{log.stem:{self._width}} | {line}\n")
        if whole:
            sys.stdout.flush()
        return bool(whole)
