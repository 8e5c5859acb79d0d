"""Where the time of a run goes: seconds and processor seconds by folder, and of the longest files.

A plugin of pytest that `--where-time-goes` turns on, in one process or in a shared run:

    ./run test --where-time-goes
"""

import os
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

import pytest

#: How many of the longest files are shown.
_FILES: Final = 30
#: Folders are counted apart so many levels deep: `tests/integration/store`.
_DEPTH: Final = 3


def _processor_seconds() -> float:
    """Return what this process has used, and every ended child of it."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@dataclass
class Spent:
    """What the tests took, by file."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    processor: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    tests: Counter[str] = field(default_factory=Counter)

    def add(self, file: str, when: str, seconds: float, processor: float) -> None:
        """Take one phase of a test in: its set-up, its call or its end."""
        self.seconds[file] += seconds
        self.processor[file] += processor
        self.tests[file] += when == "call"

    def lines(self) -> list[str]:
        """Return the two tables: the folders, then the files that took longest."""
        folders = Spent()
        for file in self.seconds:
            of = folder_of(file)
            folders.seconds[of] += self.seconds[file]
            folders.processor[of] += self.processor[file]
            folders.tests[of] += self.tests[file]
        longest = sorted(self.seconds, key=self.seconds.__getitem__, reverse=True)[:_FILES]
        return [
            _row("seconds", "processor", "tests", "folder"),
            *folders._rows(sorted(folders.seconds)),
            folders._total(),
            "",
            _row("seconds", "processor", "tests", "file"),
            *self._rows(longest),
        ]

    def _rows(self, names: Iterable[str]) -> list[str]:
        return [
            _row(
                f"{self.seconds[name]:.1f}",
                f"{self.processor[name]:.1f}",
                str(self.tests[name]),
                name,
            )
            for name in names
        ]

    def _total(self) -> str:
        seconds, processor = sum(self.seconds.values()), sum(self.processor.values())
        return _row(f"{seconds:.1f}", f"{processor:.1f}", str(self.tests.total()), "all")


def folder_of(file: str) -> str:
    """Return the folder that a file's time is counted for."""
    return "/".join(PurePosixPath(file).parent.parts[:_DEPTH])


def _row(seconds: str, processor: str, tests: str, name: str) -> str:
    return f"{seconds:>9} {processor:>9} {tests:>6}  {name}"


class WhereTimeGoes:
    """The plugin: each process measures its own tests, the one that reports adds them up."""

    def __init__(self) -> None:
        self._spent = Spent()
        self._before = 0.0

    def pytest_runtest_logstart(self) -> None:
        """Begin to count where a test begins: what went into collecting is no test's."""
        self._before = self._before or _processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note on the report of a phase what it used; a shared run carries it along."""
        report = yield
        now = _processor_seconds()
        report.__dict__["processor"] = now - self._before
        self._before = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up, where reports arrive."""
        file = report.nodeid.partition("::")[0]
        used = report.__dict__.get("processor", 0.0)
        self._spent.add(file, report.when, report.duration, used)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables."""
        terminalreporter.section("where time goes")
        for line in self._spent.lines():
            terminalreporter.write_line(line)
