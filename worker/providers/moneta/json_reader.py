"""Reads MONETA's replies in JSON."""

from worker.domain.errors import ReplyUnreadable
from worker.providers.moneta.replies import content_of
from worker.providers.moneta.types import Content, Unlike
from worker.providers.transport.strict_json import NamedTwice, NotJson, parse_json


def read_json(answer: bytes) -> Content:
    """Read a reply; raise `ReplyUnreadable`, which quotes nothing, where MONETA did not speak.

    That is a proxy's page, a cut reply, no JSON, no envelope, a fault without MONETA's code.
    """
    try:
        document = parse_json(answer)
    except NamedTwice:
        return Unlike("a name is given twice", answer)
    except NotJson:
        raise ReplyUnreadable from None
    return content_of(document, answer)
