from collections.abc import Sequence

from worker.events.model import EventType
from worker.oncall.demonstration.cases import CASES
from worker.oncall.demonstration.checks import Heard, Record
from worker.oncall.demonstration.report import tell_calls, tell_events
from worker.oncall.demonstration.side import SIDES

_REFERENCE = CASES[0].reference


class Paper:
    """What was said, a line each."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, what: str, text: str) -> None:
        self.lines.append(f"{what:10}{text}")

    def about(self, reference: str) -> list[str]:
        return [line.removeprefix(" " * 10) for line in self.lines if reference in line]


def _record(types: Sequence[EventType]) -> Record:
    record = Record()
    for number, kind in enumerate(types):
        record.add(Heard(f"{number}", kind.value, _REFERENCE, {}))
    return record


def test_events_are_told_once_when_both_transports_led_to_them() -> None:
    paper = Paper()
    same = (EventType.ACCEPTED, EventType.SUCCEEDED)

    tell_events({side: _record(same) for side in SIDES}, paper)

    assert paper.about(_REFERENCE) == [f"{_REFERENCE:18}accepted → succeeded"]


def test_events_are_told_by_transport_when_they_differ() -> None:
    paper = Paper()
    json, soap = SIDES

    tell_events({json: _record([EventType.ACCEPTED]), soap: Record()}, paper)

    assert paper.about(_REFERENCE) == [
        f"{_REFERENCE:18}over JSON: accepted",
        f"{_REFERENCE:18}over SOAP: nothing",
    ]


def test_calls_are_told_by_language() -> None:
    paper = Paper()
    units = {"1": {"languages": {"json": 2}}, "2": {"languages": {"soap": 3}}}

    tell_calls({"requests": {"submit": 26, "poll": 5}, "units": units}, paper)

    [line] = paper.lines
    assert line.endswith(
        "26 submits for 26 attempts, 5 polls, 0 profile checks: 2 in JSON and 3 in SOAP"
    )
