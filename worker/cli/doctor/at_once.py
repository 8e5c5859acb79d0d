"""Runs several checks at once: one that does not answer delays no other finding."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Thread
from typing import Final

from worker.cli.doctor.finding import Finding, fault

#: Seconds for all of them together: a report is there within five.
PATIENCE: Final = 3.0
#: A process that computes is not waiting for an answer: on a busy machine it gets longer.
_LONGEST: Final = 20.0
_IDLE_FOR: Final = 0.5
#: Seconds of processor time in that while, which waiting threads do not use.
_IDLE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Look:
    """One part of a report."""

    #: What is said of it where it does not end: the finding's name, and what to look at.
    what: str
    remedy: str
    findings: Callable[[], Iterator[Finding]]


@dataclass(slots=True)
class _Running:
    look: Look
    found: list[Finding] = field(default_factory=list)
    error: BaseException | None = None
    thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        # Left behind where it hangs, and ended with the process.
        self.thread = Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            for each in self.look.findings():
                self.found.append(each)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self.error = error


def at_once(looks: Sequence[Look], patience: float = PATIENCE) -> Iterator[Finding]:
    """Yield the findings of every check, in their order. A check that does not end is a fault."""
    running = [_Running(look) for look in looks]
    _wait([each.thread for each in running], patience)
    for each in running:
        waits = each.thread.is_alive()
        yield from list(each.found)
        if each.error is not None:
            raise each.error
        if waits:
            detail = f"no answer within {patience:.0f} s: {each.look.remedy}"
            yield fault(each.look.what, detail)


def _wait(threads: Sequence[Thread], patience: float) -> None:
    began, looked, used = time.monotonic(), time.monotonic(), time.process_time()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.02)
        now = time.monotonic()
        if now - looked < _IDLE_FOR:
            continue
        is_idle = time.process_time() - used < _IDLE
        looked, used = now, time.process_time()
        if now - began > _LONGEST or (is_idle and now - began > patience - _IDLE_FOR):
            return
