from collections.abc import Callable
from pathlib import Path

import pytest

from worker.cli import installation
from worker.cli.installation import Lack, lack_of, lacks

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package's description where Python looks first."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def describe(name: str, version: str, *requires: str) -> None:
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {each}" for each in requires]
        lines += ["Provides-Extra: fast"]
        (folder / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")

    return describe


def _said(found: list[Lack]) -> list[str]:
    return [str(lack).partition(":")[0] for lack in found]


def test_nothing_is_lacking_here() -> None:
    assert lacks() == []


def test_missing_package_is_named_with_the_line_to_type(install: Install) -> None:
    install(installation.NAME, "9", "violet>=3,<4")
    [lack] = lacks(())
    assert lack.is_ours
    assert str(lack).startswith("violet is not installed: ")
    assert str(lack).endswith(" -m pip install 'violet<4,>=3'")


def test_other_version_than_the_required_one_is_named(install: Install) -> None:
    install(installation.NAME, "9", "violet>=3")
    install("violet", "2.5")
    [lack] = lacks(())
    assert lack.is_ours
    assert str(lack).startswith("violet is 2.5, >=3 is needed: ")


def test_what_an_extra_brings_is_looked_at_where_the_extra_is_wanted(install: Install) -> None:
    install(installation.NAME, "9", "violet[fast]")
    install("violet", "1", "rose; extra == 'fast'", "thorn; extra == 'slow'")
    assert _said(lacks(())) == ["rose is not installed (for violet)"]


def test_what_is_for_another_platform_is_not_looked_at(install: Install) -> None:
    install(installation.NAME, "9", "violet; sys_platform == 'none'", "rose; extra == 'fast'")
    assert lacks(()) == []


def test_what_one_library_wants_of_another_is_no_fault_of_ours(install: Install) -> None:
    install(installation.NAME, "9", "violet")
    install("violet", "1", "rose<2", "violet[fast]")
    install("rose", "2")
    [lack] = lacks(())
    assert not lack.is_ours
    assert str(lack).startswith("rose is 2, <2 is needed (for violet): ")


def test_requirement_that_nothing_can_read_is_passed_over(install: Install) -> None:
    install(installation.NAME, "9", "violet ???", "rose")
    assert _said(lacks(())) == ["rose is not installed"]


def test_package_that_several_want_is_named_once(install: Install) -> None:
    install(installation.NAME, "9", "violet", "thorn")
    install("violet", "1", "rose", "thorn")
    assert _said(lacks(())) == ["thorn is not installed", "rose is not installed (for violet)"]


def test_package_is_named_once_however_many_imports_it_fails(install: Install) -> None:
    install(installation.NAME, "9", "violet")
    assert len(lacks(("violet", "violet.leaf", "violet_petal"))) == 2


def test_module_that_fails_in_a_way_of_its_own_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thistle.py").write_text("raise RuntimeError('built for another machine')", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert _said(lacks(["thistle"])) == ["thistle cannot be imported (RuntimeError in thistle)"]


@pytest.mark.parametrize(
    ("module", "package"),
    [
        pytest.param("dateutil.tz", "python-dateutil", id="another-name"),
        pytest.param("pydantic_settings", "pydantic-settings", id="an-underscore"),
        pytest.param("worker.nothing", "uprid-worker", id="ours"),
    ],
)
def test_module_that_is_missing_is_installed_by_its_package(module: str, package: str) -> None:
    error = ModuleNotFoundError(name=module)
    assert lack_of(error).wanted == package
