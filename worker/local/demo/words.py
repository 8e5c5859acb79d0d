"""Events in a few words."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from worker.local.demo.record import ReceivedEvent

_LEFT: Final = "attempts_left"
#: Facts of a result that are worth a word, and how it goes.
_FACTS: Final = {
    "verified_by": "by {}",
    "confirmed_by": "confirmed by the {}",
    "invoices": "{} invoices",
}


def describe(event: ReceivedEvent) -> str:
    """Return an event in a few words."""
    remark = _remark(event.data)
    return f"{event.verb} ({remark})" if remark else event.verb


def describe_all(events: Iterable[ReceivedEvent]) -> str:
    """Return events in a row, those that only count down as one."""
    return " → ".join(_parts(events))


def _parts(events: Iterable[ReceivedEvent]) -> Iterator[str]:
    for (verb, counts), group in groupby(events, lambda each: (each.verb, _LEFT in each.data)):
        if counts:
            yield f"{verb} ({', '.join(str(each.data[_LEFT]) for each in group)} left)"
        else:
            yield from map(describe, group)


def _remark(data: Mapping[str, Any]) -> str:
    if data.get("fields"):
        return ", ".join(data["fields"])
    if _LEFT in data:
        return f"{data[_LEFT]} left"
    reason = data.get("reason")
    if isinstance(reason, Mapping):
        code = reason.get("provider_code")
        return f"{reason.get('code')}{f', {code}' if code else ''}"
    result = data.get("result") or {}
    return ", ".join(
        words.format(result[name]) for name, words in _FACTS.items() if result.get(name)
    )
