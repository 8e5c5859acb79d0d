"""Reads MONETA's replies in JSON."""

import json
from typing import Any, Final

from worker.errors import ReplyUnreadable
from worker.providers.moneta.replies import content_of
from worker.providers.moneta.types import Content, Unlike


class _Twice(ValueError):
    """A name is given twice: which of the two counts is anybody's guess."""


def read_json(answer: bytes) -> Content:
    """Read a reply; raise `ReplyUnreadable`, which quotes nothing, where MONETA did not speak.

    That is a proxy's page, a cut reply, no JSON, no envelope, a fault without MONETA's code.
    """
    try:
        document = _DECODER.decode(answer.decode("utf-8"))
    except _Twice:
        return Unlike("a name is given twice", answer)
    except (ValueError, RecursionError):
        # `from None`: the causes quote what they could not read.
        raise ReplyUnreadable from None
    return content_of(document, answer)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


def _no_constant(_: str) -> float:
    message = "no JSON"
    raise ValueError(message)


#: The standard decoder rather than pydantic's, which takes the last of two equal names and NaN.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
