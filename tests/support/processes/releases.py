"""Releases of this project side by side: an earlier tag, built and installed beside the tree."""

import io
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Final

from worker.store.schema import newest_revision

ROOT: Final = Path(__file__).resolve().parents[3]
#: The first release that others run: what works beside today's, and what is gone back to.
RELEASED: Final = "0.1.0"
_GOLDEN: Final = ROOT / "tests" / "golden"
#: 0.1.0 checks an INN by python-stdnum.
_LIBRARIES: Final = ("stdnum",)
_VERSIONS: Final = "worker/store/migrations/versions"
#: A release that is not written yet: it adds, and takes nothing away.
_NEXT: Final = """
import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operation", sa.Column("mood", sa.String(20), nullable=True))
    op.add_column("attempt", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("operation_mood", "operation", ["mood"])
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("later")
    op.drop_index("operation_mood", table_name="operation")
    op.drop_column("attempt", "tries")
    op.drop_column("operation", "mood")
"""


class NoHistory(Exception):
    """There is no earlier release to be had here."""


def commit_of(release: str) -> str:
    """Return the commit of a release; raise `NoHistory` where this clone does not have it.

    It stands beside the release's golden files, for a clone without tags; where there is a tag,
    both must agree.
    """
    commit = (_GOLDEN / release / "COMMIT").read_text("utf-8").strip()
    _require_git()
    tagged = _git("rev-parse", "--verify", "--quiet", f"refs/tags/{release}^{{commit}}")
    if not tagged.returncode:
        assert tagged.stdout.decode().strip() == commit, f"the tag {release} has been moved"
    if _git("cat-file", "-e", f"{commit}^{{commit}}").returncode:
        message = f"{release} is not in this clone: `git fetch --unshallow --tags` brings it"
        raise NoHistory(message)
    return commit


def unpack(commit: str, target: Path) -> None:
    """Write a commit's files into a folder: its code runs from there, for PYTHONPATH.

    With them go the libraries that it needs and today's installation lacks.
    """
    archived = _git("archive", "--format=tar", commit)
    assert archived.returncode == 0, archived.stderr
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(target, filter="data")
    _add_libraries(target)


def install_commit(commit: str, target: Path, work: Path) -> None:
    """Build a commit's wheel and install it alone into a folder, for PYTHONPATH."""
    unpack(commit, work)
    _install(work, target)
    _add_libraries(target)


def install_tree(target: Path, work: Path) -> None:
    """Build the wheels of the tree as it is and install them into a folder."""
    _copy_tree(work)
    _install_all(work, target)


def install_next(target: Path, work: Path) -> str:
    """Do the same with the tree and one more migration; return the revision that it makes."""
    _copy_tree(work)
    newest = newest_revision()
    number = int(newest[:4]) + 1
    migration = _NEXT.format(number=number, newest=newest)
    (work / _VERSIONS / f"v{number:04}_next.py").write_text(migration, "utf-8")
    _install_all(work, target)
    return f"{number:04}"


def _copy_tree(work: Path) -> None:
    # A build leaves folders beside the code: it gets a copy.
    ignored = ignore_patterns(".*", "__pycache__", "var", "build", "dist", "*.egg-info", "tests")
    copytree(ROOT, work, ignore=ignored, dirs_exist_ok=True)


def _add_libraries(target: Path) -> None:
    """Copy the libraries that only an earlier release needs: the tests' environment has them."""
    for name in _LIBRARIES:
        found = find_spec(name)
        assert found is not None, f"{name} is in no dependency group"
        for folder in found.submodule_search_locations or ():
            copytree(folder, target / name, dirs_exist_ok=True)


def _install_all(source: Path, target: Path) -> None:
    """Install every distribution of a tree."""
    for project in (source, *(each.parent for each in source.glob("*/pyproject.toml"))):
        _install(project, target)


def _install(source: Path, target: Path) -> None:
    installed = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"),
            # Nothing is fetched: what both releases need is there, and what builds them too.
            *("--no-deps", "--no-index", "--no-build-isolation", "--target", target, source),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stdout + installed.stderr


def _require_git() -> None:
    top = _git("rev-parse", "--show-toplevel")
    if top.returncode or Path(top.stdout.decode().strip()).resolve() != ROOT:
        message = "the tree is not under git, as in an sdist"
        raise NoHistory(message)


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments],  # noqa: S607 - whichever git there is
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        message = "there is no git"
        raise NoHistory(message) from None
