"""The trace: what happened, line by line, and a hash by which two runs are compared."""

import hashlib


class Trace:
    """Keeps the lines only where somebody will read them."""

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
        """What two runs of one seed have in common."""
        return self._hash.hexdigest()
