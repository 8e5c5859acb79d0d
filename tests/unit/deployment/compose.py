"""Reads as much of docker-compose.yml as the tests need, by its indentation.

No dependency brings a YAML reader, and the file keeps to block style where it matters here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SECTION = re.compile(r"^(\S[^:]*):")
_NAME = re.compile(r"^  ([a-z][a-z0-9_-]*):")
_COMMAND = re.compile(r'^ {2,4}command: \["uprid", "([a-z]+)"\]')
_NEEDS = re.compile(r"^(?: {4}| {6})([a-z]+):$")
_DEPENDS_ON = re.compile(r"^ *depends_on:$")


@dataclass(frozen=True, slots=True)
class Compose:
    """What is compared: services, the `uprid` commands of them, and whom anybody waits for."""

    services: frozenset[str]
    commands: dict[str, str]
    awaited: frozenset[str]


def read(text: str) -> Compose:
    """Read the file's text."""
    section = service = ""
    services, commands = [], {}
    for line in text.splitlines():
        if found := _SECTION.match(line):
            section = found.group(1)
        elif section == "services" and (found := _NAME.match(line)):
            service = found.group(1)
            services.append(service)
        elif found := _COMMAND.match(line):
            commands[service] = found.group(1)
    return Compose(frozenset(services), commands, frozenset(_awaited(text.splitlines())))


def _awaited(lines: Iterable[str]) -> Iterable[str]:
    depth = -1
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if _DEPENDS_ON.match(line):
            depth = indent
        elif depth >= 0 and indent <= depth:
            depth = -1
        elif depth >= 0 and indent == depth + 2 and (found := _NEEDS.match(line)):
            yield found.group(1)
