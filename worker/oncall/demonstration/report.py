"""What is printed of a run that has ended, and what must not be."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from worker.oncall.demonstration import scan
from worker.oncall.demonstration.board import describe
from worker.oncall.demonstration.cases import CASES, REFUSED
from worker.oncall.demonstration.checks import Record
from worker.oncall.demonstration.people import personal_values
from worker.oncall.demonstration.side import SIDES, Side

Say = Callable[[str, str], None]


def tell_events(records: Mapping[Side, Record], say: Say) -> None:
    """Print every operation's events: once, where both sides tell the same."""
    say("events", "read back from both streams in their order, as JSON and SOAP led to them:")
    for case in CASES:
        _tell(case.reference, {side: _told(records[side], case.reference) for side in SIDES}, say)
    for reference, _ in REFUSED:
        _tell(reference, {side: _refused(records[side], reference) for side in SIDES}, say)


def tell_calls(counted: Mapping[str, Any], say: Say) -> None:
    """Print what the sandbox counted at MONETA."""
    requests, units = counted["requests"], counted["units"].values()
    attempts = len(SIDES) * sum(case.attempts for case in CASES)
    languages = [
        f"{sum(unit['languages'].get(side.transport, 0) for unit in units)} in {side.name}"
        for side in SIDES
    ]
    say(
        "calls",
        f"MONETA saw {requests.get('submit', 0)} submits for {attempts} attempts,"
        f" {requests.get('poll', 0)} polls, {requests.get('profile_check', 0)} profile checks:"
        f" {' and '.join(languages)}",
    )


def tell_privacy(directory: Path, say: Say) -> list[str]:
    """Look for personal values in all that was written; return where there are any."""
    places, size = scan.found(directory, personal_values())
    if not places:
        say("privacy", f"no personal value found in {size:,} bytes of logs, streams and databases")
    return [f"a personal value stands in clear in {place}" for place in places]


def _told(record: Record, reference: str) -> str:
    return " → ".join(describe(event) for event in record.of(reference))


def _refused(record: Record, reference: str) -> str:
    return ", ".join(describe(each) for each in record.refusals if each.subject == reference)


def _tell(reference: str, told: Mapping[Side, str], say: Say) -> None:
    if len(set(told.values())) == 1:
        say("", f"{reference:18}{told[SIDES[0]]}")
        return
    for side, line in told.items():
        say("", f"{reference:18}over {side.name}: {line or 'nothing'}")
