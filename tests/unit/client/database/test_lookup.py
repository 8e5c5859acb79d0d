import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from uprid_client.database.lookup import look_up
from uprid_client.errors import DatabaseUnavailable


@pytest.mark.parametrize("name", ["plain", "a b", "a#b", "100%25", "a?mode=rwc"])
def test_file_is_found_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t (n)")

    assert look_up(f"sqlite:///{path}", "SELECT count(*), ? FROM t", ("x",)) == [(0, "x")]


def test_mistyped_file_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "mistyped"

    with pytest.raises(DatabaseUnavailable):
        look_up(f"sqlite:///{path}", "SELECT 1", ())

    assert not path.exists()
