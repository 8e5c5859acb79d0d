"""From a host's reply to MONETA's answer, the same for JSON and SOAP.

The status and the body, the body's members, the members' types: nothing unparsed goes further.
Members that are not known are ignored, as the interface grows; one known member of the wrong type
spoils the whole reply, and a spoilt reply is never a verdict. JSON is read here, SOAP by
`soap_reader`.
"""

import re
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, ValidationError
from pydantic.alias_generators import to_camel

from uprid_client.contract.moneta import Id
from worker.domain.errors import ReplyUnreadable
from worker.providers.moments import read_moment
from worker.providers.moneta.types import (
    MALFORMED,
    Attribute,
    Content,
    Fault,
    Holding,
    Profile,
    Result,
    Task,
    Ticket,
    Unlike,
)
from worker.providers.transport.failures import FaultWithoutCode, bad_status
from worker.providers.transport.http import Reply
from worker.providers.transport.strict_json import NamedTwice, NotJson, parse_json

#: What a fault comes with over JSON and over SOAP: it says nothing more than the fault does.
_OF_FAULTS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR})
#: Reads a body; raises `ReplyUnreadable` where MONETA did not speak.
Read = Callable[[bytes], Content]
_CODE: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,6}")


def about_a_task(reply: Reply, read: Read) -> Task:
    """Return what is said of a task; raise `CallFailed` where no usable reply came."""
    content = _content_in(reply, read)
    return _misplaced(content) if isinstance(content, Profile) else content


def about_a_unit(reply: Reply, read: Read) -> Holding:
    """Return what is said of a unit; raise `CallFailed` where no usable reply came."""
    content = _content_in(reply, read)
    return _misplaced(content) if isinstance(content, Ticket | Result) else content


def _content_in(reply: Reply, read: Read) -> Content:
    """Read the body before the status: a fault comes with 400 in JSON, with 500 in SOAP."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise bad_status(reply.status, reply.retry_after)
    try:
        content = read(reply.body)
    except FaultWithoutCode:
        if reply.status not in _OF_FAULTS:
            _refuse_failure(reply)
        raise
    except ReplyUnreadable:
        _refuse_failure(reply)
        raise
    if not isinstance(content, Fault):
        _refuse_failure(reply)
    return content


def _refuse_failure(reply: Reply) -> None:
    if reply.status != HTTPStatus.OK:
        raise bad_status(reply.status, reply.retry_after) from None


def _misplaced(content: Ticket | Result | Profile) -> Unlike:
    return Unlike("the answer to another question", content.answer)


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


def _moment(value: object) -> datetime | None:
    return None if value is None else read_moment(value)


class _Read(BaseModel):
    model_config = ConfigDict(
        extra="ignore", strict=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class _Attribute(_Read):
    key: str
    value: str | None = None
    approved: bool | None = None

    def plain(self) -> Attribute:
        return Attribute(self.key.lower(), self.value, self.approved)


class _Attributes(_Read):
    # One spoilt attribute spoils the reply: the faults of all of them would fill the memory.
    attribute: Annotated[list[_Attribute] | None, FailFast()] = None

    def plain(self) -> tuple[Attribute, ...]:
        return tuple(attribute.plain() for attribute in self.attribute or ())


class _Document(_Attributes):
    id: int | None = None


class _Person(_Read):
    profile: _Attributes | None = None
    document: _Document | None = None


class _Identification(_Read):
    success: bool
    error_code: str | None = None
    personal_information: _Person | None = None


class _AsyncResponse(_Read):
    async_id: Id | None = None
    async_status: str | None = None
    expiration_date: Annotated[datetime | None, BeforeValidator(_moment)] = None
    identification: _Identification | None = Field(
        default=None, alias="SimplifiedIdentificationResponse"
    )


class _Fault(_Read):
    #: Any shape: `faultDetail` is looked for inside.
    detail: Any = None


class _Body(_Read):
    fault: _Fault | None = Field(default=None, alias="fault")
    fault_too: _Fault | None = Field(default=None, alias="Fault")
    task: _AsyncResponse | None = Field(default=None, alias="AsyncResponse")
    profile: _Attributes | None = Field(default=None, alias="GetProfileInfoResponse")


class _Envelope(_Read):
    body: _Body = Field(alias="Body")


class _Reply(_Read):
    envelope: _Envelope | None = Field(default=None, alias="Envelope")
    #: The schema's own text shows a fault without an envelope.
    fault: _Fault | None = Field(default=None, alias="fault")
    fault_too: _Fault | None = Field(default=None, alias="Fault")


def content_of(document: object, answer: bytes) -> Content:
    """Return what a reply says, `answer` being the reply as it came.

    Raises `ReplyUnreadable` where MONETA did not speak: no envelope, nothing known in it, a fault
    without MONETA's code (`FaultWithoutCode`).
    """
    try:
        reply = _Reply.model_validate(document)
    except ValidationError:
        return Unlike("wrong types", answer)
    return _content(reply, answer)


def _content(reply: _Reply, answer: bytes) -> Content:
    body = reply.envelope.body if reply.envelope else _Body()
    faults = [f for f in (body.fault, body.fault_too, reply.fault, reply.fault_too) if f]
    contents = [*faults, *(part for part in (body.task, body.profile) if part)]
    if not contents:
        raise ReplyUnreadable
    if len(contents) > 1:
        return Unlike("several answers in one", answer)
    if faults:
        return _fault(faults[0], answer)
    if body.profile is not None:
        return Profile(body.profile.plain(), answer)
    return _task(body.task or _AsyncResponse(), answer)


def _fault(fault: _Fault, answer: bytes) -> Fault | Unlike:
    codes = _codes_in(fault.detail)
    if not codes:
        # A proxy's or a container's fault: MONETA itself always gives its code.
        raise FaultWithoutCode
    if len(codes) > 1:
        return Unlike("several faultDetail", answer)
    return Fault(_safe_code(codes.pop()), answer)


def _task(task: _AsyncResponse, answer: bytes) -> Ticket | Result | Unlike:
    if task.identification is not None:
        if task.async_status is not None:
            return Unlike("a result and a status", answer)
        return _result(task.identification, task.async_id, answer)
    if task.async_id is None:
        return Unlike("neither a result nor an asyncId", answer)
    return Ticket(task.async_id, task.async_status, task.expiration_date, answer)


def _result(identification: _Identification, async_id: int | None, answer: bytes) -> Result:
    person = identification.personal_information or _Person()
    document = person.document or _Document()
    return Result(
        success=identification.success,
        error_code=_safe_code(code)
        if (code := (identification.error_code or "").strip())
        else None,
        async_id=async_id,
        profile=(person.profile or _Attributes()).plain(),
        document=document.plain(),
        document_id=document.id,
        answer=answer,
    )


def _codes_in(detail: object) -> set[str]:
    """Find `faultDetail` by name: `detail` may hold other elements around or before it."""
    found: set[str] = set()
    unseen = [detail]
    while unseen:
        item = unseen.pop()
        if isinstance(item, list):
            unseen += item
        elif isinstance(item, dict):
            code = item.get("faultDetail")
            if isinstance(code, str) and code.strip():
                found.add(code.strip())
            unseen += item.values()
    return found


def _safe_code(code: str) -> str:
    """Return the code, or `MALFORMED` where it is none."""
    return code if _CODE.fullmatch(code) else MALFORMED
