"""Every code of the provider's faults in each place where it can stand: a magic number a cell.

A number is its place's hundred and its code's number: 103 is 500.7.3 as the `errorCode` of a
result, 703 the same as a fault on submit, 803 on poll.
"""

from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from uprid_sandbox.moneta.acts import (
    SUCCESS,
    Act,
    Ending,
    Group,
    Profile,
    Refusal,
    Scenario,
    Verdict,
)
from uprid_sandbox.steps import EVER, Step


class Place(IntEnum):
    """Where a code stands: the first of the place's numbers."""

    RESULT = 100
    SUBMIT = 700
    POLL = 800


class Leads(StrEnum):
    """What is to be made of a cell."""

    SUCCESS = "success"
    RETRYABLE = "rejected, retryable"
    FINAL = "rejected, final"
    PERSON = "a person"
    SETTLED = "group anonymous: settled, not identified"
    FAILED = "failed, retryable"
    #: The provider recovers by itself.
    AGAIN = "twice; then success"
    #: The provider must be paused. It takes the next request, so that work can go on.
    PAUSE = "once: the provider pauses; then success"


class Row(NamedTuple):
    """One code. The numbers under 23 are older than the table."""

    number: int
    #: None: a fault without `faultDetail`, a result without `errorCode`.
    code: str | None
    result: Leads
    submit: Leads
    poll: Leads


_SUCCESS: Final = (Leads.SUCCESS,) * 3
_RETRYABLE: Final = (Leads.RETRYABLE,) * 3
_FINAL: Final = (Leads.FINAL,) * 3
_PERSON: Final = (Leads.PERSON,) * 3
_OVER: Final = (Leads.SETTLED, Leads.PERSON, Leads.SETTLED)
_AGAIN: Final = (Leads.FAILED, Leads.AGAIN, Leads.AGAIN)
_DOWN: Final = (Leads.FAILED, Leads.PERSON, Leads.AGAIN)
_PAUSE: Final = (Leads.PERSON, Leads.PAUSE, Leads.PAUSE)

ROWS: Final = (
    Row(1, "500.7.1", *_PERSON),
    Row(2, "500.7.2", *_OVER),
    Row(3, "500.7.3", *_RETRYABLE),
    Row(4, "500.7.4", *_RETRYABLE),
    Row(5, "500.7.5", *_RETRYABLE),
    Row(6, "500.7.6", *_RETRYABLE),
    Row(7, "500.7.7", *_FINAL),
    Row(8, "500.7.8", *_PERSON),
    Row(9, "500.7.9", *_RETRYABLE),
    Row(10, "500.7.10", *_PERSON),
    Row(11, "500.7.11", *_SUCCESS),
    Row(12, "500.7.12", *_FINAL),
    Row(15, "300.5", *_RETRYABLE),
    Row(16, "300.6", *_RETRYABLE),
    Row(20, "500.8.3.1.1", *_AGAIN),
    Row(21, "500.8.4769.1", *_AGAIN),
    Row(22, "100", *_DOWN),
    Row(23, "500.8", *_AGAIN),
    Row(24, "500.8.3.1.9", *_AGAIN),
    Row(25, "500.8.3.1.10", *_AGAIN),
    Row(30, "300.1", *_PAUSE),
    Row(31, "300.1.1", *_PAUSE),
    Row(32, "300.1.2", *_PAUSE),
    Row(33, "300.1.3", *_PAUSE),
    Row(34, "300.7", *_PAUSE),
    Row(35, "300.2", *_PERSON),
    Row(36, "300.3", *_PERSON),
    Row(40, "200", *_PERSON),
    Row(41, "500.9.1", *_OVER),
    Row(42, "500.9.2", *_PERSON),
    Row(43, "500.9.3", *_PERSON),
    Row(44, "500.9.4", *_PERSON),
    Row(45, "500.9.5", *_PERSON),
    # Unknown codes, in a known family and beside it, and none at all.
    Row(60, "500.99.1", *_PERSON),
    Row(61, "500.7.999", *_PERSON),
    # On poll it is asked about until the deadline: a proxy may have spoken.
    Row(62, None, Leads.PERSON, Leads.PERSON, Leads.SETTLED),
)
_TIMES: Final = {Leads.AGAIN: 2, Leads.PAUSE: 1}


def number_of(place: Place, code: str | None) -> int:
    """Return the magic number of a cell; KeyError for a code that is in no row."""
    return place + {row.code: row.number for row in ROWS}[code]


def _name(place: str, code: str | None) -> str:
    return f"{place}_{'codeless' if code is None else code.replace('.', '_')}"


def _what(code: str | None) -> str:
    return f"code {code}" if code else "no code"


def _group(leads: Leads) -> Group | None:
    return Group.SIMPLIFIED if leads is Leads.SUCCESS else None


def _result(row: Row) -> Scenario:
    ending = Ending(Verdict(success=False, code=row.code), _group(row.result))
    what = f"success false with {_what(row.code)}: {row.result}"
    return Scenario(Place.RESULT + row.number, _name("rejected", row.code), what, (ending,))


def _submit(row: Row) -> Scenario:
    identified = Step(Profile(Group.SIMPLIFIED), EVER)
    return Scenario(
        Place.SUBMIT + row.number,
        _name("fault_on_submit", row.code),
        f"submit gets a fault with {_what(row.code)}: {row.submit}",
        submits=(Step(Refusal(row.code), _TIMES.get(row.submit, EVER)),),
        profiles=(identified,) if row.submit is Leads.SUCCESS else (),
    )


def _poll(row: Row) -> Scenario:
    refusal: Act = Refusal(row.code)
    passing = row.poll in _TIMES
    return Scenario(
        Place.POLL + row.number,
        _name("fault_on_poll", row.code),
        f"poll gets a fault with {_what(row.code)}: {row.poll}",
        endings=(SUCCESS if passing else Ending(refusal, _group(row.poll)),),
        polls=(Step(refusal, _TIMES[row.poll]),) if passing else (),
    )


CELLS: Final = tuple(cell(row) for cell in (_result, _submit, _poll) for row in ROWS)
