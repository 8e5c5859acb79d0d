"""Schedules and lists operations."""

from collections import Counter as Numbers
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from uprid_sandbox.calls import Tallies
from uprid_sandbox.intellectmoney import calls
from uprid_sandbox.intellectmoney.acts import DONE, Manner
from uprid_sandbox.intellectmoney.counter import Counter, Decision
from uprid_sandbox.intellectmoney.forms import read_day
from uprid_sandbox.intellectmoney.methods import WRITE
from uprid_sandbox.intellectmoney.objects import object_scenario
from uprid_sandbox.intellectmoney.papers import damaged
from uprid_sandbox.intellectmoney.queue import Matter
from uprid_sandbox.intellectmoney.requests import Request
from uprid_sandbox.intellectmoney.scenarios import Write
from uprid_sandbox.intellectmoney.schedule import Schedule, Scheduled
from uprid_sandbox.intellectmoney.tree import Content, Items, Number, Value

#: What a list is filtered by where it is sent: all of it at once.
_COMPARED: Final = (
    *("ObjectTypeVal", "ParamsJson", "RepeatPlan", "RetryOnFailPlan", "RetryOnFailCount"),
    *("IsSingle", "FireOnSkip", "State"),
)


class ObjectResponder:
    """Counts every write: none of them is harmless."""

    def __init__(self, counter: Counter, schedule: Schedule, log: Tallies) -> None:
        self._counter = counter
        self._schedule = schedule
        self._log = log
        self._asked: Numbers[tuple[str, int]] = Numbers()

    def arrive(self, request: Request) -> None:
        """Count a request, before it is known what it gets."""
        kind = calls.WRITES if request.method is WRITE else calls.LISTS
        self._log.of(self.subject(request)).count(kind)

    def subject(self, request: Request) -> str:
        """Return what a request is about, as it is counted."""
        return f"object:{self._object(request) or 'any'}"

    def token_calls(self, _request: Request) -> int | None:
        """Allow any number of calls."""
        return None

    def serve(self, request: Request) -> Decision:
        """Write, or list."""
        object_id = self._object(request)
        self._asked[request.method.kind, object_id] += 1
        ask = self._asked[request.method.kind, object_id]
        serve = self._write if request.method is WRITE else self._list
        return serve(request, object_id, ask)

    def clear(self) -> None:
        """Forget what was asked for and stored."""
        self._asked.clear()
        self._schedule.clear()

    def _object(self, request: Request) -> int:
        """Return the object that a request names by itself or by an operation; 0: neither."""
        owner = self._schedule.owner(request.text("Operation"))
        return request.number("ObjectId", owner or 0)

    def _write(self, request: Request, object_id: int, ask: int) -> Decision:
        scenario = object_scenario(object_id)
        write = scenario.write
        act = None if write is None else write.trouble.act_at(ask)
        befalls = None if act is None else write
        stored = (befalls is None or befalls.effect) and self._store(request, object_id, befalls)
        matter = Matter(
            # Every write is a matter of its own, the same one again too.
            (request.method.kind, object_id, ask),
            lambda data: {"SetScheduledOperationData": _bit(data and stored, scenario.manner)},
            _nothing,
        )
        return self._counter.act(act or DONE, matter, flipped=_is_flipped(scenario.manner))

    def _store(self, request: Request, object_id: int, befalls: Write | None) -> bool:
        """Create or edit; return whether it could be done."""
        late = 0.0 if befalls is None else befalls.late
        tally = self._log.of(self.subject(request))
        edited = request.values.get("Operation")
        if edited is None:
            self._schedule.create(object_id, request.values, late)
            tally.count(calls.CREATED)
        elif self._schedule.edit(object_id, edited, request.values, late):
            tally.count(calls.EDITED)
        else:
            return False
        if befalls is not None and befalls.company:
            self._schedule.create_for_others(object_id, late)
        return True

    def _list(self, request: Request, object_id: int, ask: int) -> Decision:
        scenario = object_scenario(object_id)
        if Manner.NEIGHBOURS in scenario.manner:
            self._schedule.create_for_others(object_id + 1, late=0)
        act = None if scenario.listing is None else scenario.listing.act_at(ask)
        matter = Matter(
            request.key,
            lambda data: self._content(request, object_id) if data else {},
            lambda: self._log.of(self.subject(request)).count(calls.LISTED),
        )
        return self._counter.act(act or DONE, matter, flipped=_is_flipped(scenario.manner))

    def _content(self, request: Request, object_id: int) -> Content:
        scenario = object_scenario(object_id)
        skip, take = request.number("Skip", 0), request.values.get("Take")
        found = list(self._found(request, object_id))[skip:]
        papers = [_paper(*each, scenario.manner) for each in found[: int(take) if take else None]]
        if scenario.damage is not None and papers:
            papers[0] = damaged(papers[0], scenario.damage)
        return {"GetScheduledOperationData": Items("ScheduledOperationData", papers)}

    def _found(
        self, request: Request, object_id: int
    ) -> Iterator[tuple[Scheduled, Mapping[str, str]]]:
        yield from (
            (operation, values)
            for operation, values in self._schedule.listed(object_id or None)
            if _fits(operation, values, request.values)
        )
        if Manner.NEIGHBOURS in object_scenario(object_id).manner:
            yield from self._schedule.listed(object_id + 1)


def _fits(operation: Scheduled, values: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    # By the day of the creation: no page says what the dates of this list are (a guess).
    day = operation.created_at.date()
    return (
        asked.get("Operation", operation.id).lower() == operation.id
        and _day(asked, "DateFrom", day) <= day <= _day(asked, "DateTo", day)
        and all(asked[name] == values.get(name) for name in _COMPARED if name in asked)
    )


def _day(asked: Mapping[str, str], name: str, usual: date) -> date:
    return read_day(asked[name]) if name in asked else usual


def _paper(operation: Scheduled, values: Mapping[str, str], manner: Manner) -> Content:
    """Return `ScheduledOperationData`, with an undocumented member."""
    return {
        "OperationId": operation.id,
        "ObjectId": Number(operation.object_id),
        "ObjectTypeVal": Number(values["ObjectTypeVal"]),
        "Params": values["ParamsJson"],
        "RepeatPlan": values["RepeatPlan"],
        "RetryOnFailPlan": values.get("RetryOnFailPlan"),
        "RetryOnFailCount": values.get("RetryOnFailCount"),
        "IsSingle": _bit(values["IsSingle"] == "1", manner),
        "FireOnSkip": _bit(values["FireOnSkip"] == "1", manner),
        "State": _bit(values["State"] == "1", manner),
        "LastExecResult": "Ещё не выполнялась",
    }


def _bit(value: bool, manner: Manner) -> Value:  # noqa: FBT001 - it is what the value is
    return value if Manner.WORDS in manner else Number("1" if value else "0")


def _is_flipped(manner: Manner) -> bool:
    return Manner.OTHER_LANGUAGE in manner


def _nothing() -> None:
    """Count no answer: of a write, what arrived and what it did is counted."""
