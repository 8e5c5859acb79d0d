"""What a claimed operation is asked, and what came back. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from uprid_client.contract.states import State
from worker.domain.outcomes import Outcome
from worker.providers.protocol import Plugin
from worker.store.claims import ClaimedSnapshot


class Call(StrEnum):
    """What an operation was asked."""

    PREPARE = "prepare"
    SUBMIT = "submit"
    CLEAR_UP = "clear_up"
    SUPPLY = "supply"
    POLL = "poll"
    SETTLE = "settle"


#: Calls that are not billed and have no effect: nothing is lost when one fails.
HARMLESS: Final = frozenset({Call.PREPARE, Call.CLEAR_UP, Call.POLL, Call.SETTLE})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one operation."""

    #: As claimed; in `submitting` once its submit was marked.
    snapshot: ClaimedSnapshot
    call: Call
    outcome: Outcome
    #: When the question was sent.
    at: datetime
    #: Milliseconds.
    took: int


def next_call(snapshot: ClaimedSnapshot, now: datetime, plugin: Plugin) -> Call:
    """Return what a claimed operation is to be asked."""
    match snapshot.state:
        case State.ACCEPTED if plugin.prepares(snapshot.kind, progress_of(snapshot)):
            return Call.PREPARE
        case State.ACCEPTED:
            return Call.SUBMIT
        case State.SUBMITTING:
            # Only a worker that died, or whose call was doubtful, leaves an operation like this.
            return Call.CLEAR_UP
        case State.POLLING if snapshot.deadline_at is None or now < snapshot.deadline_at:
            supplied = snapshot.missing is not None and snapshot.inputs_waiting > 0
            return Call.SUPPLY if supplied else Call.POLL
        case _:
            return Call.SETTLE


def progress_of(snapshot: ClaimedSnapshot) -> Mapping[str, Any]:
    """Return the plugin's own memory of the attempt."""
    progress: Mapping[str, Any] = json.loads(snapshot.progress) if snapshot.progress else {}
    return progress
