"""Reads a Dockerfile: its instructions in order, each with the stage that it belongs to."""

import re
import shlex
from dataclasses import dataclass
from typing import Final

_CONTINUED: Final = re.compile(r"\\\n")
_COMMENT: Final = re.compile(r"^\s*#.*\n", re.MULTILINE)
_FROM: Final = re.compile(r"(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)
#: The name of a last stage that has none.
LAST: Final = "image"


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, such as `RUN` with its command line."""

    stage: str
    keyword: str
    text: str

    def __str__(self) -> str:
        return f"{self.keyword} {self.text}"


@dataclass(frozen=True, slots=True)
class Copy:
    """What a COPY instruction says."""

    sources: tuple[str, ...]
    target: str
    #: The stage that it copies from; empty: the build context.
    stage: str = ""


def read(text: str) -> list[Step]:
    """Return the instructions, with continued lines joined and without comments."""
    steps = []
    stage = ""
    for line in _CONTINUED.sub(" ", _COMMENT.sub("", text)).splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if not keyword:
            continue
        if keyword == "FROM":
            found = _FROM.fullmatch(rest.strip())
            assert found is not None, line
            stage = found["name"] or LAST
        steps.append(Step(stage, keyword, rest.strip()))
    return steps


def copy_of(step: Step) -> Copy:
    """Return what a COPY instruction copies, and where to."""
    words = shlex.split(step.text)
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    *sources, target = (word for word in words if not word.startswith("--"))
    assert flags.keys() <= {"from"}, f"{step}: the replay knows no other flag than --from"
    return Copy(tuple(sources), target, flags.get("from", ""))


def pairs_of(step: Step) -> dict[str, str]:
    """Return what ENV or LABEL set, by name."""
    return dict(word.split("=", 1) for word in shlex.split(step.text))


def images(steps: list[Step]) -> list[str]:
    """Return the base images, in the order of the stages."""
    return [step.text.split()[0] for step in steps if step.keyword == "FROM"]
