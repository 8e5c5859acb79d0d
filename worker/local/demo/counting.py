"""Compares the stand-ins' counts with the expected calls: pure, and every error a sentence."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from uprid_client.names import Provider
from worker.local.demo.cases import PLAYS
from worker.local.demo.cases.messages import (
    FetchInvoices,
    IdentifyByCode,
    IdentifySelfEmployed,
    IdentifyUnit,
    SaveScheduled,
    Start,
)
from worker.local.demo.cases.shape import Case
from worker.local.demo.side import NAMES, SIDES, Side

#: Counters by name, of a unit, a phone, an eshop, an object; at MONETA by language too.
Counters = Mapping[str, Any]


def calls(port: int) -> dict[Provider, Counters]:
    """Return what the sandbox counted at each provider: `{"requests": {…}, "subjects": {…}}`."""
    address = f"http://127.0.0.1:{port}/_sandbox/calls"
    with urllib.request.urlopen(address, timeout=10) as answer:
        counted: dict[str, dict[str, Any]] = json.load(answer)
    # A unit is what MONETA's stand-in counts by.
    return {
        provider: {
            "requests": counted[provider]["requests"],
            "subjects": counted[provider].get("subjects", counted[provider].get("units")),
        }
        for provider in Provider
    }


def wanted(provider: Provider) -> Iterator[tuple[Side, Case, str]]:
    """Yield every case of a provider, on every side, and what the stand-in counts it by."""
    for side in SIDES:
        for case in PLAYS[provider].cases if provider in side.providers else ():
            yield side, case, subject(side, case.start)


def subject(side: Side, start: Start) -> str:
    """Return what a stand-in counts an operation's calls by."""
    match start:
        case IdentifyUnit(unit_id):
            return str(side.unit(unit_id))
        case IdentifyByCode(person) | IdentifySelfEmployed(person):
            return phone_digits(person["phone"])[-7:]
        case FetchInvoices(filters):
            return f"eshop:{filters['eshop_id']}"
        case SaveScheduled(operation):
            return f"object:{operation['object_id']}"
        case _:
            assert_never(start)


def phone_digits(phone: str) -> str:
    """Return a phone as the providers write it, without a plus."""
    return "".join(mark for mark in phone if mark.isdigit())


def errors_of_calls(counted: Mapping[Provider, Counters]) -> list[str]:
    """Return every difference between the calls with an effect and the expected ones."""
    return [error for provider in PLAYS for error in _errors_at(provider, counted[provider])]


def _errors_at(provider: Provider, counted: Counters) -> Iterator[str]:
    subjects: Mapping[str, Counters] = counted["subjects"]
    expected = {counted_by: (side, case) for side, case, counted_by in wanted(provider)}
    effects = {name for _, case in expected.values() for name in case.calls}
    for counted_by, (side, case) in expected.items():
        seen = subjects.get(counted_by, {})
        where = f"{side.where(provider)}: {case.reference}"
        for name, times in case.calls.items():
            if seen.get(name, 0) != times:
                yield f"{where}: {seen.get(name, 0)} {name}, not {times}"
        if set(seen.get("languages", ())) - {side.transport}:
            yield f"{where}: was asked about in another language, too"
    for stranger in sorted(set(subjects) - set(expected)):
        # NPD's people are units at MONETA, whose profiles are asked about: nothing more.
        if any(subjects[stranger].get(name) for name in effects):
            yield f"{NAMES[provider]}: {stranger}: calls that were not expected"
