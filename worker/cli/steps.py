"""The commands for an operation that waits or has ended, by its reason. Pure.

Commands are complete but for what only a person knows, which stands as `…` or VERDICT: copied as
they are, they are refused, and not done.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.store.reading import Row

#: The kind of operation whose submit is looked for in a list, not by an id.
_LISTED: Final = "save_scheduled_operation"
_NOTE: Final = "--note '…'"
#: States in which a submit may or may not have been made.
_BEFORE_POLLING: Final = frozenset({State.ACCEPTED.value, State.SUBMITTING.value})


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and when it is the one to type."""

    command: str
    #: A condition, as `if …` has it; empty: it is simply the next.
    when: str = ""


def retry(row: Row, when: str = "") -> Step:
    """Return how to start the next attempt."""
    return _step("retry", row, "", when)


def after_an_end(row: Row) -> tuple[Step, ...]:
    """Return what can follow an attempt that ended and may be repeated."""
    if row.state is State.REJECTED:
        # With other data, a retry is the marketplace's to send.
        return (retry(row, "if the same data can pass now"),)
    return (retry(row),)


def while_waiting(row: Row) -> tuple[Step, ...]:
    """Return the commands for an operation that waits for a person."""
    code = (row.reason or {}).get("code")
    find = BY_REASON.get(ReasonCode(code), _anything) if code else _anything
    return find(row)


def _doubtful(row: Row) -> tuple[Step, ...]:
    if row.kind == _LISTED:
        # A look at the provider's list shows whether it was saved.
        return (
            _step("resume", row, "", f"to look at {row.provider}'s list again"),
            retry(row, f"if {row.provider} certainly has not"),
            _verdict(row, "VERDICT", "if it has ended there"),
        )
    return (
        _found(row, f"if {row.provider} has the task"),
        retry(row, f"if {row.provider} certainly has not"),
        _verdict(row, "VERDICT", "if it has ended there"),
    )


def _unreadable(row: Row) -> tuple[Step, ...]:
    return (
        _step("resume", row, "", "once its key is back in UPRID_SEAL_KEYS"),
        _step("cancel", row, "", "if the key is lost"),
    )


def _unknown(row: Row) -> tuple[Step, ...]:
    return (
        *_look(row),
        _verdict(row, "succeeded", f"if {row.provider} said yes"),
        _verdict(row, "rejected", "if it said no"),
        *([] if row.provider_ref else [_found(row, f"if {row.provider} has the task")]),
    )


def _mended(row: Row) -> tuple[Step, ...]:
    if row.waiting_from == State.SUBMITTING.value:
        # The provider refused the submit: there is nothing that could go on.
        return (*_look(row), retry(row, "once that is corrected"))
    return (*_look(row), _step("resume", row, "", "once that is corrected"))


def _poison(row: Row) -> tuple[Step, ...]:
    return (_step("resume", row, "", "once the workers' logs say why they died"),)


def _erased(row: Row) -> tuple[Step, ...]:
    # A retry needs the data anew, which the marketplace has.
    return (
        _verdict(row, "VERDICT", f"once {row.provider} says how it ended"),
        _step("cancel", row, "", "if it is not needed any more"),
    )


def _anything(row: Row) -> tuple[Step, ...]:
    again = (
        retry(row, "if it is to be tried again")
        if row.waiting_from in _BEFORE_POLLING
        else _step("resume", row, "", "if it is to be asked again")
    )
    return (*_look(row), again, _verdict(row, "VERDICT", "if you know how it ended"))


#: What can be done, by reasons that need no further look.
BY_REASON: Final[dict[ReasonCode, Callable[[Row], tuple[Step, ...]]]] = {
    ReasonCode.DOUBTFUL_SUBMIT: _doubtful,
    ReasonCode.PAYLOAD_UNREADABLE: _unreadable,
    ReasonCode.UNKNOWN_ANSWER: _unknown,
    ReasonCode.CONFIGURATION: _mended,
    ReasonCode.PROVIDER_ERROR: _mended,
    ReasonCode.POISON: _poison,
    ReasonCode.ERASED: _erased,
}


def _look(row: Row) -> tuple[Step, ...]:
    return (_step("answer", row, "", "to read the answer"),) if row.answered else ()


def _found(row: Row, when: str) -> Step:
    return _step("resume", row, " --provider-ref '…'", when)


def _verdict(row: Row, verdict: str, when: str) -> Step:
    return _step("resolve", row, f" {verdict}", when)


def _step(name: str, row: Row, more: str, when: str) -> Step:
    return Step(f"uprid {name} {shlex.quote(row.reference)}{more} {_NOTE}", when)
