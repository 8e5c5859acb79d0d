"""Asking an IntellectMoney plugin, and writing down what comes of it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.support.loopback.http_stub import HttpStub
from tests.support.providers.intellectmoney import (
    DEADLINE,
    work,
)
from uprid_client.contract.states import State
from worker.domain.outcomes import (
    Doubtful,
    Finished,
    Misconfigured,
    NeedsPerson,
    NotSent,
    Outcome,
    Pending,
)
from worker.process.stored_access_tokens import StoredAccessTokens
from worker.providers.access_tokens import AccessToken
from worker.providers.intellectmoney.plugin import IntellectMoneyPlugin

Maker = Callable[..., IntellectMoneyPlugin]

ACCESS_TOKEN_PATH = "/services/user/getUserToken"
INVOICES_PATH = "/services/payment/getInvoicesHistory"
SAVE_PATH = "/services/scheduler/setScheduledOperationData"
LIST_PATH = "/services/scheduler/getScheduledOperationData"
RESULT_PATH = "operation/{operation_id}/result"
SAVE = "save_scheduled_operation"
LIST = "scheduled_operations"
AFTER = DEADLINE + timedelta(seconds=1)


def ask(plugin: IntellectMoneyPlugin, question: str, **how: Any) -> Outcome:
    """Ask one of the plugin's questions about an operation in its state."""
    states = {
        "prepare": State.ACCEPTED,
        "submit": State.SUBMITTING,
        "clear_up": State.SUBMITTING,
        "poll": State.POLLING,
        "settle": State.POLLING,
    }
    outcome: Outcome = getattr(plugin, question)(work(state=states[question], **how))
    return outcome


def short(outcome: Outcome) -> str:
    """Write an outcome as the tables below do."""
    match outcome:
        case Finished(state=state, reason=None):
            return str(state)
        case Finished(state=state, reason=reason) if reason is not None:
            return f"{state} {reason.code}{' retryable' if reason.retryable else ''}"
        case NeedsPerson(reason=reason):
            return f"person {reason.code}"
        case Misconfigured():
            return "pause"
        case Pending(trouble=trouble) | NotSent(trouble=trouble) | Doubtful(trouble=trouble):
            said = type(outcome).__name__.lower()
            return said if trouble is None else f"{said} {trouble}"
        case _:
            return type(outcome).__name__.lower()


def pending(outcome: Outcome) -> Pending:
    assert isinstance(outcome, Pending)
    return outcome


def paths(stub: HttpStub) -> list[str]:
    return [asked.path for asked in stub.asked]


def until_the_end(plugin: IntellectMoneyPlugin, question: str, **how: Any) -> list[str]:
    """Ask again and again, as the engine does, at most ten times."""
    progress: Mapping[str, Any] = how.pop("progress", {})
    outcomes = []
    for _ in range(10):
        outcome = ask(plugin, question, progress=progress, **how)
        outcomes.append(short(outcome))
        if not isinstance(outcome, Pending | Doubtful):
            break
        progress = progress if outcome.progress is None else outcome.progress
    return outcomes


def current(shelf: StoredAccessTokens) -> AccessToken:
    """Return the token that is there."""
    token = shelf.current()
    assert token is not None
    return token
