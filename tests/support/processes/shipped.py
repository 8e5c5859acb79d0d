"""The installation that is shipped: what the Dockerfile's steps make of locks and wheel.

Acceptance tests run their processes from it, never from the environment that the tests run in.
It is made where it is first asked for, once for each state of what goes into it, and kept in
`var/image`. `python -m tests.support.processes.shipped` makes it and says where it is.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.processes.child import SETTING_PREFIXES
from tests.support.processes.image.context import Context
from tests.support.processes.image.dockerfile import LAST, Step, copy_of, read
from tests.support.processes.image.replay import Replay, base_python, surroundings, transplant

ROOT: Final = Path(__file__).resolve().parents[3]
DOCKERFILE: Final = ROOT / "Dockerfile"
LOCAL_LOCK: Final = ROOT / "requirements-local.lock"
#: The stand-ins, a distribution of their own, which only the extra `local` has.
SANDBOX: Final = ROOT / "sandbox"
#: Where the Dockerfile puts the environment.
_ENVIRONMENT: Final = "opt/uprid"
_KEPT: Final = ROOT / "var" / "image"
#: Stands beside a folder that is complete.
_COMPLETE: Final = ".complete"
#: Held open for the life of this process: another one clears away what nothing uses.
_IN_USE: Final[list[int]] = []


def programs() -> Path:
    """Return the folder with the programs of the production installation, `uprid` among them."""
    return image() / _ENVIRONMENT / "bin"


@cache
def image() -> Path:
    """Return the root of the last stage, as an image has it."""
    steps, context = read(DOCKERFILE.read_text("utf-8")), Context(ROOT)
    seldom = _seldom_changed(steps, context)
    base = _digest(steps[:seldom], context, base_python(), sys.version)
    whole = _digest(steps[seldom:], context, base)

    def make_base(folder: Path) -> None:
        Replay(folder, context).run(steps[:seldom])

    def make_whole(folder: Path) -> None:
        transplant(below, folder, {below: folder})
        replay = Replay(folder, context)
        replay.skip(steps[:seldom])
        replay.run(steps[seldom:])
        # Nothing of the earlier stages is in an image.
        for other in {step.stage for step in steps} - {LAST}:
            shutil.rmtree(replay.root(other))

    with _alone():
        below = _kept(base, make_base)
        return _kept(whole, make_whole) / LAST


@cache
def local_programs() -> Path:
    """Return the same for an installation with the extra `local`."""
    production = image() / _ENVIRONMENT

    def make(folder: Path) -> None:
        installed = folder / _ENVIRONMENT
        transplant(production, installed, {production: installed})
        _pip(installed, "install", "--require-hashes", "--requirement", str(LOCAL_LOCK))
        with TemporaryDirectory(prefix="uprid-sandbox-") as made:
            _pip(
                installed, "install", "--no-deps", "--no-index", str(_wheel_of(SANDBOX, Path(made)))
            )

    made_of = hashlib.sha256(str(production).encode() + LOCAL_LOCK.read_bytes())
    for path in sorted(SANDBOX.rglob("*")):
        if path.is_file() and path.suffix in {".py", ".toml"}:
            made_of.update(path.read_bytes())
    key = made_of.hexdigest()
    with _alone():
        return _kept(key, make) / _ENVIRONMENT / "bin"


def python_of(folder: Path) -> Path:
    """Return the Python among an installation's programs."""
    return folder / "python"


def environment(
    settings: Mapping[str, str] | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Return the variables of an installation's processes: no way leads from them to the tree.

    `folder` has its programs; the production installation's if none is given.
    """
    around = {k: v for k, v in surroundings().items() if not k.startswith(SETTING_PREFIXES)}
    return {**around, **(settings or {}), "PATH": f"{folder or programs()}:{around['PATH']}"}


def _wheel_of(source: Path, made: Path) -> Path:
    # A build leaves folders beside the code: it gets a copy. The build backend is the tests' own.
    copy = shutil.copytree(
        source, made / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    )
    line = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*line, "--no-index", "--wheel-dir", made, copy], check=True)
    [wheel] = made.glob("*.whl")
    return wheel


def _pip(installed: Path, *arguments: str) -> None:
    done = subprocess.run(
        [python_of(installed / "bin"), "-m", "pip", "--disable-pip-version-check", *arguments],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def _seldom_changed(steps: list[Step], context: Context) -> int:
    """Return how many steps come before those that copy our own code, and what goes with it."""
    copies = [step.keyword == "COPY" for step in steps]
    number = next(
        number
        for number, step in enumerate(steps)
        if copies[number] and any(map(context.is_folder, copy_of(step).sources))
    )
    while copies[number - 1]:
        number -= 1
    return number


def _digest(steps: Iterable[Step], context: Context, *before: str) -> str:
    """Return a name for what steps make: of their text and of all that they copy."""
    made = hashlib.sha256("\0".join(before).encode())
    for step in steps:
        made.update(f"\0{step.stage}\0{step}".encode())
        if step.keyword == "COPY" and not copy_of(step).stage:
            for source in copy_of(step).sources:
                for path, within in context.files(source):
                    made.update(f"\0{source}\0{within}\0".encode())
                    made.update(hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()


def _kept(key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of that name, made if it is not there yet."""
    folder = _KEPT / key[:16]
    complete = folder.with_suffix(_COMPLETE)
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        make(folder)
        complete.touch()
    used = os.open(complete, os.O_RDONLY)
    fcntl.flock(used, fcntl.LOCK_SH)
    _IN_USE.append(used)
    return folder


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes out while something is made, and clear away what nothing uses."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    # The kernel drops the lock with the process, however that ends.
    with (_KEPT / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        _clear()


def _clear() -> None:
    for folder in _KEPT.iterdir():
        complete = folder.with_suffix(_COMPLETE)
        if folder.is_dir() and not _is_used(complete):
            complete.unlink(missing_ok=True)
            shutil.rmtree(folder)


def _is_used(complete: Path) -> bool:
    if not complete.exists():
        return False
    with complete.open(encoding="utf-8") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


if __name__ == "__main__":
    print(programs())  # noqa: T201 - the answer
    print(local_programs())  # noqa: T201
