"""The reason of a refused message: an object, as an operation's is. Release 0.1.0 had a text."""

import json
from collections.abc import Mapping
from typing import Any, Final

from worker.domain.refusal_codes import RefusalCode

Reason = dict[str, Any]

#: The very same message can be taken later.
_PASSING: Final = frozenset({RefusalCode.PROVIDER_OFF})
_MESSAGE: Final = "message"


def reason_of(code: RefusalCode, message: str) -> Reason:
    """Return the reason as events and `uprid show` have it. `message` quotes no value."""
    return {
        "code": code.value,
        "provider_code": None,
        "retryable": code in _PASSING,
        _MESSAGE: message,
    }


def as_read(reason: object) -> object:
    """Return a reason as today's readers expect it: 0.1.0's text becomes an object."""
    return reason_of(RefusalCode.INVALID_MESSAGE, reason) if isinstance(reason, str) else reason


def as_row(reason: Reason, longest: int) -> str:
    """Return JSON of at most `longest` characters: the message is cut where it is too long."""
    text = _written(reason)
    while len(text) > longest:
        left = len(reason[_MESSAGE]) - (len(text) - longest)
        reason = {**reason, _MESSAGE: reason[_MESSAGE][:left]}
        text = _written(reason)
    return text


def from_row(text: str) -> Reason:
    """Return the reason that a row holds; rows of 0.1.0 hold the message alone."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, Mapping) and isinstance(found.get("code"), str):
        return {"provider_code": None, "retryable": False, _MESSAGE: None, **found}
    return reason_of(RefusalCode.INVALID_MESSAGE, text)


def _written(reason: Reason) -> str:
    return json.dumps(reason, ensure_ascii=False, separators=(",", ":"))
