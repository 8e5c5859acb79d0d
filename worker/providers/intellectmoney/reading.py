"""From a host's reply to IntellectMoney's answer, in the three steps that the page has.

HTTP 200, then `OperationState` (0 done, 1 queued, 2 error), then the result's `State` (0 in order,
1 in order with warnings, 2 not authenticated).
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from pydantic import ValidationError

from worker.domain.invoices import Invoice
from worker.providers.intellectmoney.documents import document_of
from worker.providers.intellectmoney.mapping import invoice_of, scheduled_of
from worker.providers.intellectmoney.replies import ResponseRead, ResultRead, read_response
from worker.providers.intellectmoney.said import (
    Done,
    Failed,
    Queued,
    Said,
    Scheduled,
    TokenRefused,
    Unlike,
)
from worker.providers.transport.failures import bad_status
from worker.providers.transport.http import Reply
from worker.providers.transport.strict_json import NamedTwice
from worker.providers.transport.xml import Misshapen

T = TypeVar("T")
#: Returns what was asked for; None where the result does not hold it.
Pick = Callable[[ResultRead], T | None]

_LONGEST_TOKEN: Final = 2_000


def said(reply: Reply, pick: Pick[T]) -> Said[T]:
    """Return what was answered; raise `CallFailed` where no usable reply came."""
    if reply.status == HTTPStatus.UNAUTHORIZED:
        # No page has it, but it has one meaning: the request was not applied (RFC 9110, 15.5.2).
        return TokenRefused(reply.body)
    if reply.status != HTTPStatus.OK:
        raise bad_status(reply.status, reply.retry_after)
    try:
        response = read_response(document_of(reply.body))
    except NamedTwice:
        return Unlike("a name is given twice", reply.body)
    except (Misshapen, ValidationError):
        return Unlike("wrong types", reply.body)
    return _said(response, pick, reply.body)


def _said(response: ResponseRead, pick: Pick[T], answer: bytes) -> Said[T]:
    operation = response.operation_state.said
    state = None if response.result is None else response.result.state
    request = None if state is None else state.said
    match operation, request:
        case (0 | 2, 2):
            return TokenRefused(answer)
        case (2, _):
            return Failed(answer, response.operation_id)
        case (1, None | 0 | 1):
            return Queued(response.operation_id, answer)
        case (0, 0 | 1) if response.result is not None:
            result = pick(response.result)
            if result is None:
                return Unlike("no such result", answer)
            return Done(result, response.operation_id, request == 1, answer)
        case (0, None):
            return Unlike("no result", answer)
        case (0, _):
            return Unlike("unknown State", answer)
        case _:
            return Unlike("unknown OperationState", answer)


def token_in(result: ResultRead) -> str | None:
    """Return the UserToken."""
    token = result.user_token
    sound = token and token.isascii() and token.isprintable() and len(token) <= _LONGEST_TOKEN
    return token if sound else None


def invoices_in(result: ResultRead) -> tuple[Invoice, ...] | None:
    """Return a page of the registry. A list that is null is empty; none at all says nothing."""
    if not result.says("invoices_history_list"):
        return None
    return tuple(invoice_of(each) for each in result.invoices_history_list or ())


def scheduled_in(result: ResultRead) -> tuple[Scheduled, ...] | None:
    """Return a page of scheduled operations, likewise."""
    if not result.says("get_scheduled_operation_data"):
        return None
    return tuple(scheduled_of(each) for each in result.get_scheduled_operation_data or ())


def saved_in(result: ResultRead) -> bool | None:
    """Return whether the change was made."""
    flag = result.set_scheduled_operation_data
    return None if flag is None else flag == 1
