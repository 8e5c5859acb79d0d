from collections.abc import Sequence
from pathlib import Path
from typing import Any

from uprid_client.contract.events import EventType
from uprid_client.names import Provider
from worker.local.demo.board import WIDTH
from worker.local.demo.cases import PLAYS
from worker.local.demo.record import ReceivedEvent, Record
from worker.local.demo.report import report_calls, report_events, report_privacy
from worker.local.demo.side import SIDES

_REFERENCE = PLAYS[Provider.MONETA].cases[0].reference
_CODED = "no-code"


class Paper:
    """What was said, a line each."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, what: str, text: str) -> None:
        self.lines.append(f"{what:10}{text}")

    def about(self, reference: str) -> list[str]:
        return [line.strip() for line in self.lines if f" {reference} " in line]


def _record(types: Sequence[EventType], reference: str = _REFERENCE) -> Record:
    record = Record()
    for number, kind in enumerate(types):
        record.add(ReceivedEvent(f"{number}", kind.value, reference, {}))
    return record


def test_events_are_told_once_when_both_transports_led_to_them() -> None:
    paper = Paper()
    same = (EventType.ACCEPTED, EventType.SUCCEEDED)

    report_events({side: _record(same) for side in SIDES}, paper)

    assert paper.about(_REFERENCE) == [f"{_REFERENCE:{WIDTH}}accepted → succeeded"]


def test_events_are_told_by_transport_when_they_differ() -> None:
    paper = Paper()
    json, soap = SIDES

    report_events({json: _record([EventType.ACCEPTED]), soap: Record()}, paper)

    assert paper.about(_REFERENCE) == [
        f"{_REFERENCE:{WIDTH}}over JSON: accepted",
        f"{_REFERENCE:{WIDTH}}over SOAP: nothing",
    ]


def test_events_are_told_once_of_a_provider_that_is_asked_on_one_side() -> None:
    paper = Paper()
    json, soap = SIDES

    report_events({json: _record([EventType.ACCEPTED], _CODED), soap: Record()}, paper)

    assert paper.about(_CODED) == [f"{_CODED:{WIDTH}}accepted"]


def test_calls_are_told_by_provider_and_monetas_by_language() -> None:
    paper = Paper()
    counted: dict[Provider, dict[str, Any]] = {
        provider: {"requests": {}, "subjects": {}} for provider in PLAYS
    }
    counted[Provider.MONETA] = {
        "requests": {"poll": 5},
        "subjects": {
            "1": {"submits": 20, "languages": {"json": 2}},
            "2": {"submits": 6, "languages": {"soap": 3}},
        },
    }
    counted[Provider.MANDARIN]["subjects"] = {"7": {"submits": 4, "codes": 1}}

    report_calls(counted, paper)

    moneta, mandarin, npd, intellectmoney = paper.lines
    assert moneta.endswith(
        "MONETA saw 26 submits for 26 wanted, 5 polls, 0 profile checks, 2 in JSON and 3 in SOAP"
    )
    assert mandarin.endswith("Mandarin saw 4 starts for 5 wanted, 1 codes for 7 wanted, 0 polls")
    assert "NPD saw 0 profiles for 6 wanted" in npd
    assert "IntellectMoney saw 0 writes for 4 wanted" in intellectmoney


def test_privacy_names_the_place_and_not_the_value(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("to 61000001 from obrazets@example.com")
    (tmp_path / "b.log").write_text('{"sms_code": "7000"}')
    (tmp_path / "c.log").write_text("took 7000 ms on port 7000")
    paper = Paper()

    errors = report_privacy(tmp_path, {"61000001"}, paper)

    assert [error.rpartition(" ")[2] for error in errors] == ["a.log", "b.log"]
    assert paper.lines == []


def test_privacy_is_told_when_nothing_was_found(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("took 61000001 ms")
    paper = Paper()

    assert report_privacy(tmp_path, (), paper) == []

    [line] = paper.lines
    assert line.endswith("in 16 bytes of logs, streams and databases")
