"""Reads MONETA's replies in SOAP, by local name: into the members that JSON would have.

Some of MONETA's pages drop the `www` of its namespace. Unknown elements and attributes have no
effect. A value that has not the form of its type stays text, and spoils the reply as in JSON.
"""

from typing import Final

from lxml import etree

from worker.domain.errors import ReplyUnreadable
from worker.providers.moneta.replies import content_of
from worker.providers.moneta.types import Content, Unlike
from worker.providers.transport.xml import (
    Each,
    Misshapen,
    NotXml,
    Read,
    Shape,
    boolean,
    integer,
    local_name,
    members,
    parse,
    text,
    token,
)

_OURS: Final = frozenset(
    {"http://www.moneta.ru/schemas/messages.xsd", "http://moneta.ru/schemas/messages.xsd"}
)


def _moneta(shape: Shape) -> Read:
    return members(shape, own=_OURS)


def _codes(detail: etree._Element) -> list[dict[str, str]]:
    """Find `faultDetail` by name: `detail` may hold other elements around or before it."""
    found = detail.iter("{*}faultDetail")
    return [{"faultDetail": text(element)} for element in found if len(element) == 0]


_ATTRIBUTES: Final[Shape] = {
    "attribute": Each(_moneta({"key": text, "value": text, "approved": boolean}))
}
_PERSON: Final[Shape] = {
    "profile": _moneta(_ATTRIBUTES),
    "document": _moneta({"id": integer, **_ATTRIBUTES}),
}
_IDENTIFICATION: Final[Shape] = {
    "success": boolean,
    "errorCode": text,
    "personalInformation": _moneta(_PERSON),
}
_TASK: Final[Shape] = {
    "asyncId": integer,
    "asyncStatus": text,
    "expirationDate": token,
    "SimplifiedIdentificationResponse": _moneta(_IDENTIFICATION),
}
# SOAP's own elements are of SOAP's namespace, what they hold of any.
_FAULT: Final = members({"detail": _codes}, own=None)
_FAULTS: Final[Shape] = {"Fault": _FAULT, "fault": _FAULT}
_BODY: Final[Shape] = {
    **_FAULTS,
    "AsyncResponse": _moneta(_TASK),
    "GetProfileInfoResponse": _moneta(_ATTRIBUTES),
}
_ROOTS: Final[dict[str, Read]] = {
    "Envelope": members({"Body": members(_BODY, own=None)}, own=None),
    # The schema's own text shows a fault without an envelope.
    "Fault": _FAULT,
    "fault": _FAULT,
}


def read_soap(answer: bytes) -> Content:
    """Read a reply; raise `ReplyUnreadable`, which quotes nothing, where MONETA did not speak.

    That is a proxy's page, a cut reply, no XML, no envelope, a fault without MONETA's code.
    """
    try:
        root = parse(answer)
    except NotXml:
        raise ReplyUnreadable from None
    name = local_name(root)
    read = _ROOTS.get(name)
    if read is None:
        raise ReplyUnreadable
    try:
        document = {name: read(root)}
    except Misshapen as fault:
        return Unlike(str(fault), answer)
    return content_of(document, answer)
