"""NPD's replies: from a host's bytes to typed contents. Nothing unparsed goes further.

Members that are not known are ignored; a known one of the wrong type spoils the whole reply, and a
spoilt reply is never a verdict.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from worker.domain.errors import ReplyUnreadable
from worker.providers.npd.types import ERRORS, Error, Method, Refusal, Unlike
from worker.providers.transport.failures import bad_status
from worker.providers.transport.http import Reply
from worker.providers.transport.strict_json import NamedTwice, NotJson, parse_json

_Model = TypeVar("_Model", bound=BaseModel)


def content_of(reply: Reply, method: Method, model: type[_Model]) -> _Model | Refusal | Unlike:
    """Return what NPD says; raise `CallFailed` where no usable reply came.

    The body is read before the status: the page does not say what its errors come with. All but
    the method's own errors must come with 200.
    """
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise bad_status(reply.status, reply.retry_after)
    content = _content(reply, method, model)
    if reply.status != HTTPStatus.OK and not isinstance(content, Refusal):
        raise bad_status(reply.status, reply.retry_after)
    if content is None:
        raise ReplyUnreadable
    return content


def _content(reply: Reply, method: Method, model: type[_Model]) -> _Model | Refusal | Unlike | None:
    """Read the body; None where it is no JSON."""
    try:
        members = parse_json(reply.body)
    except NamedTwice:
        return Unlike("a name is given twice", reply.body)
    except NotJson:
        return None
    if not isinstance(members, dict):
        return Unlike("no object", reply.body)
    content = _answer(members, model)
    error = members.get("error")
    if error is None:
        return content or Unlike("neither an answer nor an error", reply.body)
    if content is not None or _holds_something(members, model):
        return Unlike("an answer and an error", reply.body)
    if isinstance(error, str) and error in ERRORS[method]:
        return Refusal(Error(error), reply.body)
    return Unlike("unknown error", reply.body)


def _answer(members: Mapping[str, Any], model: type[_Model]) -> _Model | None:
    try:
        return model.model_validate(members)
    except ValidationError:
        return None


def _holds_something(members: Mapping[str, Any], model: type[BaseModel]) -> bool:
    """Return whether part of an answer is there, however spoilt.

    Beside an error it is a contradiction: that nothing was started must not be believed of a reply
    that names a task.
    """
    fields = model.model_fields.values()
    return any(members.get(field.alias or "") for field in fields if field.is_required())
