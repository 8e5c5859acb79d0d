"""The Dockerfile's steps, executed without Docker, and the installation that they make."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.support.processes import shipped
from tests.support.processes.child import PATIENCE
from tests.support.processes.image.context import Context
from tests.support.processes.image.dockerfile import LAST, Step, images, pairs_of, read
from tests.support.processes.image.replay import BrokenStep, Replay, transplant
from tests.unit.deployment.locks import PRODUCTION

pytestmark = pytest.mark.slow

ROOT: Final = shipped.ROOT
TEXT: Final = shipped.DOCKERFILE.read_text("utf-8")
STEPS: Final = read(TEXT)
_ROLES: Final = ("worker", "poller", "beat", "flower", "doctor")
_OURS: Final = """
import importlib, json, pkgutil, sys
import config, tasks, uprid_client, worker
found = {}
for package in (config, tasks, uprid_client, worker):
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        # Alembic's, what runs as it is imported, and the demo, which needs the stand-ins.
        demo = each.name.startswith("worker.local.demo.") and not each.name.endswith(".command")
        if not demo and not each.name.endswith((".migrations.env", "__main__")):
            found[each.name] = importlib.import_module(each.name).__file__
json.dump(found, sys.stdout)
"""
_PACKAGES: Final = """
import json, sys
from importlib.metadata import distributions
json.dump({each.name: each.version for each in distributions()}, sys.stdout)
"""
#: Every distribution of this repository that an image has: the stand-ins are of the extra `local`.
OURS: Final = {
    tomllib.loads(path.read_text("utf-8"))["project"]["name"]
    for path in (ROOT / "pyproject.toml", ROOT / "client" / "pyproject.toml")
}
_SETTINGS: Final = {
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "UPRID_SEAL_KEYS": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=",
    "UPRID_FINGERPRINT_KEY": "f" * 32,
    "FLOWER_BASIC_AUTH": "anna:lilac",
}


def run(
    *command: str, cwd: Path, programs: Path, settings: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command of an installation."""
    return subprocess.run(
        [programs / command[0], *command[1:]],
        env=shipped.environment(settings, programs),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )


def asked(code: str, cwd: Path) -> dict[str, str]:
    """Return the JSON object that a program prints in the production installation."""
    done = run("python", "-c", code, cwd=cwd, programs=shipped.programs())
    assert done.returncode == 0, done.stderr
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def test_every_module_of_ours_is_imported_from_the_installation_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As from a shell that points to the tree: nothing of it reaches the processes.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    files = asked(_OURS, tmp_path)

    assert {
        "config.settings",
        "worker.process.app",
        "tasks.moneta",
        "worker.local.up",
    } <= files.keys()
    assert [file for file in files.values() if not Path(file).is_relative_to(shipped.image())] == []


def test_installation_holds_what_the_production_lock_holds_and_nothing_else(
    tmp_path: Path,
) -> None:
    held = {re.sub(r"[-_.]+", "-", name).lower() for name in asked(_PACKAGES, tmp_path)}

    assert held - {"pip", "setuptools"} == PRODUCTION.installed().keys() | OURS


def test_installation_is_whole_to_pip_and_to_the_doctor(tmp_path: Path) -> None:
    programs = shipped.programs()

    checked = run("python", "-m", "pip", "check", cwd=tmp_path, programs=programs)
    looked = run("uprid", "doctor", cwd=tmp_path, programs=programs)

    assert checked.returncode == 0, checked.stdout
    assert looked.stdout.startswith("ok       installation: uprid-worker 0.")


def test_image_says_by_default_what_it_can_do(tmp_path: Path) -> None:
    [said] = [step for step in STEPS if step.keyword == "CMD"]

    done = run(*json.loads(said.text), cwd=tmp_path, programs=shipped.programs())

    assert done.returncode == 0
    assert "poller" in done.stdout


def test_licence_lies_in_the_image_and_in_the_wheel() -> None:
    licence = (ROOT / "LICENSE").read_text("utf-8")
    copies = [
        shipped.image() / "usr/share/doc/uprid-worker/LICENSE",
        *shipped.image().glob("opt/uprid/lib/*/site-packages/uprid_*-*/licenses/LICENSE"),
    ]

    assert licence.startswith("MIT License")
    assert [copy.read_text("utf-8") for copy in copies] == [licence] * (1 + len(OURS))


def test_nothing_of_the_earlier_stages_is_left() -> None:
    assert {step.stage for step in STEPS} == {"build", LAST}
    assert not (shipped.image().parent / "build").exists()


def test_image_is_labelled_as_what_it_is() -> None:
    [labels] = [pairs_of(step) for step in STEPS if step.keyword == "LABEL"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert labels["org.opencontainers.image.title"] == project["name"]
    assert labels["org.opencontainers.image.version"] == project["version"]
    assert labels["org.opencontainers.image.licenses"] == project["license"]
    assert labels["org.opencontainers.image.base.name"].endswith(f"/{images(STEPS)[-1]}")


@pytest.mark.parametrize("command", ["up", "up --sandbox", "demo", "sandbox"])
def test_what_needs_the_extra_exits_2_and_says_what_to_type(tmp_path: Path, command: str) -> None:
    done = run("uprid", *command.split(), cwd=tmp_path, programs=shipped.programs())

    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "pip install 'uprid-worker[local]'" in line


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an installation without `packaging`."""
    whole = shipped.programs().parent
    copy = tmp_path_factory.mktemp("broken") / "uprid"
    transplant(whole, copy, {whole: copy})
    for part in copy.glob("lib/*/site-packages/packaging*"):
        shutil.rmtree(part)
    return copy / "bin"


@pytest.mark.parametrize("role", _ROLES)
def test_start_without_a_module_names_it_in_one_line_with_what_to_type(
    tmp_path: Path, broken: Path, role: str
) -> None:
    done = run("uprid", role, cwd=tmp_path, programs=broken, settings=_SETTINGS)

    said = [line for line in done.stderr.splitlines() if "packaging" in line]
    assert done.returncode == 1
    assert len(said) == 1
    # With the Python that the installation is of.
    python = rf"{re.escape(str(broken))}/python\S*"
    typed = f"packaging is not installed: {python} -m pip install packaging"
    assert re.search(f"{typed}$", said[0])
    assert "Traceback" not in done.stderr
    if role != "doctor":
        assert done.stderr.splitlines() == said


def _replayed(text: str, tmp_path: Path, lock: Callable[[str], str] = str) -> None:
    """Replay the steps after those that fetch the dependencies, in a context of its own."""
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("client", "config", "worker", "tasks"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".dockerignore", "requirements.lock"):
        shutil.copy2(ROOT / name, tree / name)
    development = (ROOT / "requirements-dev.lock").read_text("utf-8")
    (tree / "requirements-dev.lock").write_text(lock(development), "utf-8")
    steps = read(text)
    fetching = "--requirement requirements.lock"
    fetched = next(number for number, step in enumerate(steps) if fetching in step.text)
    replay = Replay(tmp_path / "image", Context(tree))
    replay.skip(steps[: fetched + 1])
    programs = replay.root("build") / "opt/uprid/bin"
    (replay.root("build") / "src").mkdir(parents=True)
    programs.mkdir(parents=True)
    replay.run(steps[fetched + 1 :])


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        pytest.param(
            "COPY requirements-dev.lock", "COPY no-such.lock", "COPY no-such.lock", id="no-file"
        ),
        pytest.param(
            "COPY requirements-dev.lock", "COPY run", "COPY run", id="ignored-by-dockerignore"
        ),
        pytest.param("python -m venv /opt/build", "pithon -m venv", "pithon", id="no-program"),
    ],
)
def test_step_that_cannot_be_done_is_found(tmp_path: Path, old: str, new: str, step: str) -> None:
    assert TEXT.count(old) == 1

    with pytest.raises(BrokenStep, match=re.escape(step)):
        _replayed(TEXT.replace(old, new), tmp_path)


def test_lock_without_the_build_backend_is_found(tmp_path: Path) -> None:
    def without(lock: str) -> str:
        return re.sub(r"^setuptools==(?:.*\\\n)+.*\n", "", lock, flags=re.MULTILINE)

    with pytest.raises(BrokenStep, match=r"build\.lock"):
        _replayed(TEXT, tmp_path, without)


def test_instruction_that_the_replay_does_not_know_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(BrokenStep, match="does not know"):
        Replay(tmp_path, Context(ROOT)).run([Step(LAST, "ONBUILD", "RUN true")])
