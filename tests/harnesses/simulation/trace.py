"""The trace: all events line by line, and a hash that compares two runs."""

import hashlib


class Trace:
    """Keeps the lines only if they will be printed."""

    def __init__(self) -> None:
        self.keep = False
        self.lines: list[str] = []
        self.length = 0
        self._hash = hashlib.sha256()

    def add(self, time: int, who: str, words: tuple[object, ...]) -> None:
        """Add a line."""
        line = f"{time / 1e6:11.6f} {who:<12} {' '.join(map(str, words))}"
        self.length += 1
        self._hash.update(line.encode())
        if self.keep:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        """The hash. Two runs of one seed have the same one."""
        return self._hash.hexdigest()
