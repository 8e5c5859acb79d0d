"""JSON as a provider's reply is read: what two readers could understand differently is refused."""

import json
from decimal import Decimal
from typing import Any, Final

from worker.providers.transport.blanks import bare


class NotJson(ValueError):
    """The text is no JSON, or none that can be read: cut, too deep, too large, not UTF-8, a NaN."""


class NamedTwice(ValueError):
    """A name is given twice in one object: which of the two counts is anybody's guess."""


def parse_json(text: bytes, *, exact: bool = False) -> object:
    """Return what a reply holds; raise `NotJson` or `NamedTwice`, which quote nothing.

    A byte order mark before it is no part of it, and it is always UTF-8 (RFC 8259, 8.1).
    `exact`: numbers with a fraction or an exponent are decimals, as money must be.
    """
    try:
        return (_EXACT if exact else _DECODER).decode(bare(text).decode("utf-8"))
    except NamedTwice:
        raise
    except (ValueError, ArithmeticError, RecursionError):
        # `from None`: the causes quote what they could not read.
        raise NotJson from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NamedTwice
    return made


def _no_constant(_: str) -> float:
    raise NotJson


#: The standard decoder rather than pydantic's, which takes the last of two equal names and NaN.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
_EXACT: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=Decimal
)
