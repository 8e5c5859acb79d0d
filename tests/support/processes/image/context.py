"""The build context: the tree's files that .dockerignore lets into an image."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath


class Context:
    """A folder as `docker build` sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        lines = (folder / ".dockerignore").read_text("utf-8").splitlines()
        self._rules = [line.strip() for line in lines if line.strip()]

    def files(self, source: str) -> Iterator[tuple[Path, PurePosixPath]]:
        """Give the files of a COPY's source, each with its path below the source.

        A source that is a file has one, whose path is empty. Nothing comes of what is ignored.
        """
        start = self._folder / source
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            within = PurePosixPath(path.relative_to(self._folder).as_posix())
            if path.is_file() and not self._is_ignored(within):
                yield path, PurePosixPath(path.relative_to(start).as_posix())

    def is_folder(self, source: str) -> bool:
        """Tell whether a COPY's source is a folder: its contents are copied then, not itself."""
        return (self._folder / source).is_dir()

    def _is_ignored(self, path: PurePosixPath) -> bool:
        ignored = False
        for rule in self._rules:
            if _matches(rule.removeprefix("!"), path):
                ignored = not rule.startswith("!")
        return ignored


def _matches(pattern: str, path: PurePosixPath) -> bool:
    """Tell whether a pattern names a path or a folder that it lies in."""
    anywhere = pattern.startswith("**/")
    wanted = pattern.removeprefix("**/")
    depth = wanted.count("/") + 1
    parts = path.parts
    starts = range(len(parts) - depth + 1) if anywhere else range(min(1, len(parts) - depth + 1))
    return any(fnmatchcase("/".join(parts[at : at + depth]), wanted) for at in starts)
