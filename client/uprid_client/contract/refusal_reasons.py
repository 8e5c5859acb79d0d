"""The reason of a refused message: an object, as an operation's is. Release 0.1.0 had a text."""

from typing import Any, Final

from uprid_client.contract.refusal_codes import RefusalCode

Reason = dict[str, Any]

#: The very same message can be taken later.
_PASSING: Final = frozenset({RefusalCode.PROVIDER_OFF})


def reason_of(code: RefusalCode, message: str) -> Reason:
    """Return the reason as events and `uprid show` have it. `message` quotes no value."""
    return {
        "code": code.value,
        "provider_code": None,
        "retryable": code in _PASSING,
        "message": message,
    }


def as_read(reason: object) -> object:
    """Return a reason as today's readers expect it: 0.1.0's text becomes an object."""
    return reason_of(RefusalCode.INVALID_MESSAGE, reason) if isinstance(reason, str) else reason
