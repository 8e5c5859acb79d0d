"""Executes a Dockerfile's steps without Docker: every absolute path lies below a folder.

The base image is this machine, and its Python the one that the tests run with. What needs an
image of its own, such as USER, is read and not done.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from tests.support.processes.image.context import Context
from tests.support.processes.image.dockerfile import Step, copy_of, pairs_of

#: The beginning of an absolute path on a command line. `sed`'s patterns begin with other signs.
_ABSOLUTE: Final = re.compile(r"(?:^|(?<=[\s=:\"'(]))/(?=[a-z])(?!dev/)")
#: Of the tests' own environment: an image is built and runs without it.
_FOREIGN: Final = ("PYTHON", "VIRTUAL_ENV", "COVERAGE_", "COV_")
#: Saves room in an image; here the cache saves fetching everything twice.
_ROOM: Final = "PIP_NO_CACHE_DIR"
_READ_ONLY: Final = frozenset({"USER", "STOPSIGNAL", "CMD", "LABEL", "FROM"})
_PYTHON: Final = """\
#!/bin/sh
exec {python} "$@"
"""
#: The real one writes below the folder, which only root may have it do.
_USERADD: Final = """\
#!/bin/sh
set -eu
mkdir -p {root}/etc
touch {root}/etc/passwd {root}/etc/shadow {root}/etc/group {root}/etc/gshadow
[ "$(id -u)" = 0 ] && [ -x /usr/sbin/useradd ] && exec /usr/sbin/useradd --prefix {root} "$@"
exit 0
"""


class BrokenStep(AssertionError):
    """A step of the Dockerfile cannot be done."""

    def __init__(self, step: Step, why: str) -> None:
        super().__init__(f"{step}\n{why}")


class Replay:
    """The stages of one build, each a folder below `folder`."""

    def __init__(self, folder: Path, context: Context) -> None:
        self._folder = folder
        self._context = context
        self._variables: dict[str, dict[str, str]] = {}
        self._directories: dict[str, PurePosixPath] = {}

    def root(self, stage: str) -> Path:
        """Return where a stage's `/` lies."""
        return self._folder / stage

    def skip(self, steps: Iterable[Step]) -> None:
        """Take steps as done: their folders are there already."""
        for step in steps:
            self._remember(step)

    def run(self, steps: Iterable[Step]) -> None:
        """Execute steps in order. Raises `BrokenStep` at the first that fails."""
        for step in steps:
            self._remember(step)
            self.root(step.stage).mkdir(parents=True, exist_ok=True)
            match step.keyword:
                case "RUN":
                    self._execute(step)
                case "COPY":
                    self._copy(step)
                case "WORKDIR":
                    self._below(step.stage, ".").mkdir(parents=True, exist_ok=True)

    def _remember(self, step: Step) -> None:
        variables = self._variables.setdefault(step.stage, {})
        directory = self._directories.setdefault(step.stage, PurePosixPath("/"))
        match step.keyword:
            case "ENV":
                variables |= pairs_of(step)
            case "WORKDIR":
                self._directories[step.stage] = directory / step.text
            case "RUN" | "COPY":
                pass
            case other:
                if other not in _READ_ONLY:
                    raise BrokenStep(step, "The replay does not know this instruction.")

    def _below(self, stage: str, path: str) -> Path:
        absolute = self._directories[stage] / path
        return self.root(stage) / absolute.relative_to("/")

    def _execute(self, step: Step) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", self._moved(step.stage, step.text)],
            cwd=self._below(step.stage, "."),
            env=self.environment(step.stage),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BrokenStep(step, f"exit {done.returncode}: {done.stdout[-4000:]}")

    def _moved(self, stage: str, text: str) -> str:
        return _ABSOLUTE.sub(lambda _: f"{self.root(stage)}/", text)

    def environment(self, stage: str) -> dict[str, str]:
        """Return the variables of a stage's processes."""
        variables = surroundings()
        variables["PATH"] = f"{self._stand_ins(stage)}:{variables['PATH']}"
        for name, value in self._variables.get(stage, {}).items():
            if name != _ROOM:
                known = self._moved(stage, value)
                variables[name] = known.replace("$PATH", variables["PATH"])
        return variables

    def _stand_ins(self, stage: str) -> Path:
        """Return a folder with what a base image has and this machine has elsewhere."""
        # Beside the stages: nothing of it gets into one.
        programs = self._folder / f"{stage}-base"
        programs.mkdir(exist_ok=True)
        root = shlex.quote(str(self.root(stage)))
        for name, text in (
            ("python", _PYTHON.format(python=shlex.quote(base_python()))),
            ("useradd", _USERADD.format(root=root)),
        ):
            (programs / name).write_text(text, "utf-8")
            (programs / name).chmod(0o755)
        return programs

    def _copy(self, step: Step) -> None:
        said = copy_of(step)
        target = self._below(step.stage, said.target)
        for source in said.sources:
            if said.stage:
                self._copy_stage(step, said.stage, source, target)
                continue
            is_folder = self._context.is_folder(source)
            into_folder = said.target.endswith("/") or len(said.sources) > 1 or is_folder
            files = list(self._context.files(source))
            if not files:
                raise BrokenStep(step, f"{source} is not in the build context.")
            for path, within in files:
                place = target / (within if is_folder else path.name) if into_folder else target
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)

    def _copy_stage(self, step: Step, stage: str, source: str, target: Path) -> None:
        old = self.root(stage)
        if not (old / source.lstrip("/")).exists():
            raise BrokenStep(step, f"{stage} has no {source}.")
        transplant(old / source.lstrip("/"), target, {old: self.root(step.stage)})


def transplant(source: Path, target: Path, moves: Mapping[Path, Path]) -> None:
    """Copy a folder with environments in it to where it has another path.

    Files are shared, as nothing changes them in place. The few that hold the path, a virtual
    environment's programs and its description, are written anew. In an image the path is the same.
    """

    def copy(old: str, new: str) -> None:
        path = Path(old)
        if path.parent.name == "bin" or path.name == "pyvenv.cfg":
            content = path.read_bytes()
            for before, after in moves.items():
                content = content.replace(os.fsencode(before), os.fsencode(after))
            Path(new).write_bytes(content)
            shutil.copymode(old, new)
        else:
            _share(old, new)

    shutil.copytree(source, target, symlinks=True, copy_function=copy, dirs_exist_ok=True)


def _share(old: str, new: str) -> None:
    try:
        os.link(old, new)
    except OSError:
        # On another file system.
        shutil.copy2(old, new)


def base_python() -> str:
    """Return the Python that the tests' own environment was made of."""
    return str(getattr(sys, "_base_executable", sys.executable))


def surroundings() -> dict[str, str]:
    """Return this process's environment without what belongs to the tests' own Python."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    own = {str(Path(sys.executable).parent), str(Path(sys.prefix) / "bin")}
    path = kept.get("PATH", os.defpath).split(os.pathsep)
    return {**kept, "PATH": os.pathsep.join(each for each in path if each not in own)}
