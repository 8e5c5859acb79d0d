"""Fresh databases of both kinds, and the servers, under one name for the tests that use them."""

import shutil
from pathlib import Path

from tests.support.servers.postgres import PostgresServer, Prepare, postgres_server
from tests.support.servers.valkey import ValkeyServer, valkey_server

__all__ = [
    "PostgresServer",
    "Prepare",
    "SqliteFiles",
    "ValkeyServer",
    "postgres_server",
    "valkey_server",
]


class SqliteFiles:
    """Hands out fresh SQLite databases, as `PostgresServer` does its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made = 0
        self._templates: dict[Prepare, Path] = {}

    def create_database(self, prepare: Prepare | None = None) -> str:
        """Return the URL of a fresh database: empty, or a copy of what `prepare` made once."""
        if prepare is None:
            return _url(self._next())
        if prepare not in self._templates:
            template = self._next()
            prepare(_url(template))
            self._templates[prepare] = template
        return _url(self._copy(self._templates[prepare]))

    def drop_database(self, url: str) -> None:
        """Remove a database's files."""
        path = Path(url.removeprefix("sqlite:///"))
        for part in _parts(path):
            part.unlink(missing_ok=True)

    def _copy(self, template: Path) -> Path:
        target = self._next()
        for source, copy in zip(_parts(template), _parts(target), strict=True):
            if source.exists():
                shutil.copyfile(source, copy)
        return target

    def _next(self) -> Path:
        self._made += 1
        return self._directory / f"test_{self._made}.sqlite3"


def _parts(path: Path) -> tuple[Path, ...]:
    # What has not been checkpointed yet lies in the write-ahead log. The shared memory file is
    # only an index into it that SQLite builds anew.
    return (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))


def _url(path: Path) -> str:
    return f"sqlite:///{path}"
