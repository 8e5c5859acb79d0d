"""Pages, docstrings and comments are in plain English: words that hide who acts are not used.

The list is the style guide's. What stands between backquotes is a name, and is not looked at.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
#: Files and folders that are read; of a folder, all pages and Python files below it.
ROOTS: Final = (
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    ".env.example",
    "docs",
    "benchmarks",
    "client",
    "config",
    "sandbox",
    "tasks",
    "worker",
    "tests/README.md",
    "tests/acceptance",
    "tests/contract",
    "tests/golden/README.md",
    "tests/harnesses",
    "tests/integration",
    "tests/property",
    "tests/support",
    "tests/unit",
)
#: Records of the day on which they were made.
_RECORDS: Final = ROOT / "docs" / "decisions"
_WORDS: Final = re.compile(
    r"\b(?:whoever|whatever|nobody|somebody|aloud|told|heard|mend(?:s|ed|ing)?|for\s+ever)\b",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"`[^`\n]*`")


def words_in(text: str) -> list[str]:
    """Return the words of the list that a text uses."""
    return [" ".join(word.split()) for word in _WORDS.findall(_NAME.sub("", text))]


def prose_of(path: Path) -> Iterator[str]:
    """Yield what a file says to people: all of a page, the docstrings and comments of a module."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from _docstrings(text)
        yield _comments(text)
    else:
        yield text


def _docstrings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def _comments(source: str) -> str:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return "\n".join(each.string.lstrip("#: ") for each in tokens if each.type == tokenize.COMMENT)


def _files() -> list[Path]:
    found: list[Path] = []
    for root in (ROOT / name for name in ROOTS):
        below = [root] if root.is_file() else sorted(root.rglob("*"))
        found += [path for path in below if path == root or path.suffix in {".md", ".py"}]
    return [path for path in found if not path.is_relative_to(_RECORDS)]


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_text_uses_no_word_of_the_list(path: Path) -> None:
    assert [word for text in prose_of(path) for word in words_in(text)] == []


@pytest.mark.parametrize(
    "text", ["Whoever asks", "it is\nmended", "for\never", "refused aloud, and told"]
)
def test_word_is_found_in_any_form(text: str) -> None:
    assert words_in(text)


@pytest.mark.parametrize("text", ["log `notification_heard`", "untold", "forever", "amended"])
def test_name_or_other_word_is_not_found(text: str) -> None:
    assert words_in(text) == []


def test_module_is_read_in_its_docstrings_and_comments_alone(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""Nobody."""\ntold = "heard"  # for\n# ever\n', "utf-8")

    found = [word.lower() for text in prose_of(module) for word in words_in(text)]
    assert found == ["nobody", "for ever"]
