"""SQLite's errors on a real file: what the file's state is to blame for, and what is ours."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from uprid_client.errors import DatabaseRefused
from worker.store.database import Database


def _pragma(statement: str) -> Callable[[object, object], None]:
    def apply(connection: object, _record: object) -> None:
        connection.execute(statement)  # type: ignore[attr-defined]

    return apply


@pytest.mark.parametrize(
    ("pragma", "said"),
    [
        # As a file that may not be written, and a disk that is full, are to SQLite.
        pytest.param("PRAGMA query_only = ON", "cannot be written", id="read-only"),
        pytest.param("PRAGMA max_page_count = 2", "disk is full", id="no room"),
    ],
)
def test_file_that_takes_no_writes_is_refused_in_words(
    tmp_path: Path, pragma: str, said: str
) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.sqlite3", connections=1)
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE t (n)"))
    database.dispose()
    event.listen(database.engine, "connect", _pragma(pragma))

    with pytest.raises(DatabaseRefused, match=said), database.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))

    database.dispose()


def test_mistake_of_ours_is_no_refusal(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.sqlite3", connections=1)

    with pytest.raises(OperationalError), database.begin() as connection:
        connection.execute(text("SELECT n FROM never_made"))

    database.dispose()
