"""Which schemas a release can work on, by their names alone."""

import pytest
from alembic.script import ScriptDirectory

from worker.store.revisions import Revision
from worker.store.schema import _scripts, newest_revision


def revision(name: str | None) -> Revision:
    found = Revision.read(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("schema", "known", "carries"),
    [
        pytest.param("0003", "0003", True, id="the-same"),
        pytest.param("0004", "0003", True, id="newer"),
        pytest.param("0009", "0003", True, id="much-newer"),
        pytest.param("0002", "0003", False, id="older"),
        pytest.param(None, "0003", False, id="empty"),
        pytest.param("0005.needs.0003", "0003", True, id="newer-that-leaves-what-it-needs"),
        pytest.param("0005.needs.0004", "0003", False, id="newer-that-takes-something-away"),
        pytest.param("0005.needs.0004", "0004", True, id="release-after-that"),
        pytest.param("0005.needs.0004", "0005.needs.0004", True, id="the-same-that-takes-away"),
        pytest.param("0005.needs.0004", "0006.needs.0004", False, id="older-that-takes-away"),
    ],
)
def test_release_works_on_schemas_that_have_what_it_needs(
    schema: str | None, known: str, carries: bool
) -> None:
    assert revision(schema).carries(revision(known)) is carries


@pytest.mark.parametrize("name", ["", "4", "a1b2c3d4e5f6", "0005.needs", "0005.needs.04", "0005x"])
def test_name_that_no_release_gave_is_none_of_ours(name: str) -> None:
    assert Revision.read(name) is None


@pytest.fixture(scope="module")
def scripts() -> ScriptDirectory:
    return _scripts()


def test_every_migration_is_named_by_its_number_and_counts_up(scripts: ScriptDirectory) -> None:
    names = [script.revision for script in scripts.walk_revisions()][::-1]

    assert [revision(name).number for name in names] == list(range(1, len(names) + 1))
    assert names[-1] == newest_revision()


def test_what_was_taken_away_once_stays_away(scripts: ScriptDirectory) -> None:
    """A later revision without `needs` would let a release back in that cannot work."""
    needs = [revision(script.revision).needs for script in scripts.walk_revisions()][::-1]

    assert needs == sorted(needs)
