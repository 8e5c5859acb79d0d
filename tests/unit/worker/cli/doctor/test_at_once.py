"""Looks of a report that run at once: order, what hangs, what fails."""

from collections.abc import Iterator
from threading import Event

import pytest

from worker.cli.doctor.at_once import Look, at_once
from worker.cli.doctor.finding import Finding, fault, ok


def test_look_that_hangs_is_a_fault_beside_all_that_was_found() -> None:
    over = Event()

    def hanging() -> Iterator[Finding]:
        yield ok("first", "found before it hung")
        over.wait(60)

    def sound() -> Iterator[Finding]:
        yield ok("second", "found")

    looks = [Look("hung", "look there", hanging), Look("sound", "", sound)]
    found = list(at_once(looks, patience=1))
    over.set()

    assert found == [
        ok("first", "found before it hung"),
        fault("hung", "no answer within 1 s: look there"),
        ok("second", "found"),
    ]


def test_mistake_of_a_look_is_raised() -> None:
    def failing() -> Iterator[Finding]:
        yield ok("first", "found")
        raise LookupError

    with pytest.raises(LookupError):
        list(at_once([Look("failing", "", failing)]))
