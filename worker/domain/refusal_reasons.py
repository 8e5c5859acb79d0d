"""The reason of a refused message as its row holds it: JSON. Release 0.1.0 wrote plain text."""

import json
from collections.abc import Mapping
from typing import Final

from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.contract.refusal_reasons import Reason, reason_of

_MESSAGE: Final = "message"


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
