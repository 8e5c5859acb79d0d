"""README, SECURITY, docs/ and tests/README: their blocks of code, and the commands they name."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from typer.main import get_command

from worker.cli.main import application

ROOT: Final = Path(__file__).resolve().parents[3]
PAGES: Final = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "tests" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
#: In the place of a language: a block that is set in by four spaces.
INDENTED: Final = "indented"
#: What stands on a page for what only the reader knows, and what is put there.
FILLED_IN: Final = {
    "REFERENCE": "order-1",
    "ID": "37027",
    "VERDICT": "succeeded",
    "…": "looked at it",
    "N": "3",
    "K": "7",
    "P": "npd",
}
_FENCE: Final = "```"
_MARGIN: Final = "    "


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code as it is printed."""

    page: str
    #: Its first line's number.
    line: int
    #: As behind the fence; empty where none is named.
    language: str
    text: str

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield all blocks of a page; raises ValueError for a fence that is not closed."""
    name = page.relative_to(ROOT).as_posix()
    lines = page.read_text("utf-8").splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.lstrip().startswith(_FENCE):
            end = next((n for n in range(at + 1, len(lines)) if _closes(lines[n])), None)
            if end is None:
                message = f"{name}:{at + 1}: is not closed"
                raise ValueError(message)
            language = line.strip().removeprefix(_FENCE)
            yield Block(name, at + 1, language, _joined(lines[at + 1 : end]))
            at = end
        elif line.startswith(_MARGIN) and (at == 0 or not lines[at - 1].strip()):
            end = next((n for n in range(at, len(lines)) if not _set_in(lines[n])), len(lines))
            text = _joined([each.removeprefix(_MARGIN) for each in lines[at:end]])
            yield Block(name, at + 1, INDENTED, text)
            at = end
        at += 1


def spans(page: Path) -> Iterator[str]:
    """Yield the code within a page's lines: what stands between single backquotes."""
    text = page.read_text("utf-8")
    unfenced = re.sub(rf"(?ms)^{_FENCE}.*?^{_FENCE}$", "", text)
    yield from re.findall(r"`([^`\n]+)`", unfenced)


def without_comment(command: str) -> str:
    """Return a line of a shell without what stands there for the reader."""
    return re.sub(r"(\s#|\s{2,}[a-z]).*", "", command).strip()


def words_of(command: str) -> list[str]:
    """Return the words of a command, filled in, without redirections."""
    bare = re.sub(r"\s[<>]\s*\S+", "", without_comment(command))
    return [FILLED_IN.get(word, word) for word in shlex.split(bare)]


def parse(words: list[str]) -> None:
    """Have the command line parse what follows `uprid`, and run nothing; raises `UsageError`."""
    words = list(words)
    found: click.Command = get_command(application())  # type: ignore[assignment]
    while isinstance(found, click.Group) or hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    if words:  # a bare name only speaks of the command
        found.make_context(found.name, words)


def _closes(line: str) -> bool:
    return line.strip() == _FENCE


def _set_in(line: str) -> bool:
    return line.startswith(_MARGIN)


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
