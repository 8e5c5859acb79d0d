"""Prints the result of a run, and finds what must not be in it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from uprid_client.names import Provider
from worker.local.demo import counting, registry, scan
from worker.local.demo.board import WIDTH
from worker.local.demo.cases import PLAYS
from worker.local.demo.cases.intellectmoney import ESHOPS
from worker.local.demo.counting import Counters
from worker.local.demo.people import personal_values
from worker.local.demo.record import Record
from worker.local.demo.side import NAMES, SIDES, Side
from worker.local.demo.words import describe, describe_all

Say = Callable[[str, str], None]


def report_events(records: Mapping[Side, Record], say: Say) -> None:
    """Print every operation's events: once, if all its sides have the same."""
    say("events", "read back from the streams, in their order:")
    for provider, play in PLAYS.items():
        say("", NAMES[provider])
        asked = {side: records[side] for side in SIDES if provider in side.providers}
        for case in play.cases:
            _show(case.reference, {s: _published(r, case.reference) for s, r in asked.items()}, say)
        for reference, _ in play.refused:
            _show(reference, {s: _refused(r, reference) for s, r in asked.items()}, say)


def report_calls(counted: Mapping[Provider, Counters], say: Say) -> None:
    """Print what the sandbox counted: how many calls with an effect for how many wanted."""
    for number, provider in enumerate(PLAYS):
        lines = [*_effects(provider, counted[provider]), *_harmless(provider, counted[provider])]
        say("" if number else "calls", f"{NAMES[provider]} saw {', '.join(lines)}")


def report_privacy(directory: Path, accounts: Collection[str], say: Say) -> list[str]:
    """Look for personal values in all that was written; return where there are any.

    `accounts` came with notifications.
    """
    values = personal_values() | set(accounts)
    for eshop_id in ESHOPS:
        values |= registry.personal_values(eshop_id)
    places, size = scan.found(directory, values)
    if not places:
        say(
            "privacy",
            f"none of {len(values)} personal values found in {size:,} bytes of logs, streams and"
            " databases",
        )
    return [f"a personal value stands in clear in {place}" for place in places]


#: Of each provider: what its counters are called for people, and what else it was asked.
_EFFECTS: Final = {
    Provider.MONETA: {"submits": "submits"},
    Provider.MANDARIN: {"submits": "starts", "codes": "codes"},
    Provider.NPD: {
        "updatemonetaprofile": "profiles",
        "updateuserdoc": "passports",
        "startuprid": "starts",
    },
    Provider.INTELLECTMONEY: {"writes": "writes", "answered": "pages answered"},
}
_HARMLESS: Final = {
    Provider.MONETA: {"poll": "polls", "profile_check": "profile checks"},
    Provider.MANDARIN: {"poll": "polls"},
    Provider.NPD: {},
    Provider.INTELLECTMONEY: {},
}


def _effects(provider: Provider, counted: Counters) -> Iterator[str]:
    cases = [case for _, case, _ in counting.wanted(provider)]
    for name, words in _EFFECTS[provider].items():
        came = sum(seen.get(name, 0) for seen in counted["subjects"].values())
        yield f"{came} {words} for {sum(case.calls.get(name, 0) for case in cases)} wanted"


def _harmless(provider: Provider, counted: Counters) -> Iterator[str]:
    for name, words in _HARMLESS[provider].items():
        yield f"{counted['requests'].get(name, 0)} {words}"
    if provider is Provider.MONETA:
        languages = [seen.get("languages", {}) for seen in counted["subjects"].values()]
        yield " and ".join(
            f"{sum(each.get(side.transport, 0) for each in languages)} in {side.name}"
            for side in SIDES
        )


def _published(record: Record, reference: str) -> str:
    return describe_all(record.of(reference))


def _refused(record: Record, reference: str) -> str:
    return ", ".join(describe(each) for each in record.refusals if each.subject == reference)


def _show(reference: str, lines: Mapping[Side, str], say: Say) -> None:
    if len(set(lines.values())) == 1:
        say("", f"  {reference:{WIDTH}}{next(iter(lines.values())) or 'nothing'}")
        return
    for side, line in lines.items():
        say("", f"  {reference:{WIDTH}}over {side.name}: {line or 'nothing'}")
