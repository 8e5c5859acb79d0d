"""Refuses entries that could not be read, with a text for the sender, under the entry's name."""

from typing import Final

from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.errors import Refused
from uprid_client.names import LARGEST_MESSAGE
from uprid_client.shown_names import shown_task
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.intake.refusals import refuse
from worker.process.queueing.unreadable import Cause, Unreadable

_REASONS: Final[dict[Cause, str]] = {
    Cause.TOO_LARGE: f"is larger than {LARGEST_MESSAGE} bytes: send less",
    Cause.NOT_UTF8: "is not UTF-8: send Celery's JSON",
    Cause.NOT_JSON: "is no JSON: send Celery's JSON",
    Cause.NO_OBJECT: "is no JSON object: send Celery's JSON",
    Cause.PROPERTIES: "properties: must be an object",
    Cause.HEADERS: "headers: must be an object",
    Cause.COMPRESSION: "compression: does not open: use gzip, bzip2, lzma or none",
    Cause.BODY_ENCODING: "body: is not what body_encoding says: use base64",
    Cause.CONTENT_TYPE: 'content-type: must be application/json: send with serializer="json"',
    Cause.CONTENT_ENCODING: "content-encoding: must be utf-8",
    Cause.BODY_NOT_JSON: "body: is no JSON in UTF-8, or nested too deep",
    Cause.BODY_SHAPE: "body: must be a list of arguments, keyword arguments and embedded ones",
    Cause.ID: "id: must be a text",
    Cause.TASK: "task: must be a text",
    Cause.ETA: "eta: must be an ISO time, at most two thirds of the visibility timeout ahead",
    Cause.EXPIRES: "expires: must be an ISO time",
    Cause.CHAINED: "callbacks, errbacks, chain, chord: are not run here: wait for the events",
    Cause.OTHER: "is not as Celery's protocol has it",
}
#: What the sender can look at in its own call: a message that was read, and cannot be obeyed.
_FIELDS: Final[dict[Cause, str]] = {
    Cause.ETA: "(eta)",
    Cause.EXPIRES: "(expires)",
    Cause.CHAINED: "(chained)",
}


def refuse_unreadable(parts: Parts, unreadable: Unreadable) -> None:
    """Refuse an entry, with an event; raise `DatabaseUnavailable`."""
    cause = unreadable.cause
    message = Message(
        unreadable.name,
        shown_task(unreadable.task),
        (),
        {} if unreadable.reference is None else {"reference": unreadable.reference},
    )
    fields = [_FIELDS[cause]] if cause in _FIELDS else []
    refuse(parts, message, Refused(_REASONS[cause], fields, _code(cause)))


def _code(cause: Cause) -> RefusalCode:
    if cause is Cause.TOO_LARGE:
        return RefusalCode.TOO_LARGE
    return RefusalCode.INVALID_MESSAGE if cause in _FIELDS else RefusalCode.UNREADABLE
