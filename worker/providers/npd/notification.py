"""NPD's URL notification, as a marketplace hands it on. It is not signed: it must be matched."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel

from config.queues import Provider
from worker.operations.states import State
from worker.providers.incoming import ExpectedNotification, Notification
from worker.providers.npd.types import BigId
from worker.providers.person import MobilePhone
from worker.providers.validating import validated


class Status(StrEnum):
    """`upridAsyncStatus`: there are no others."""

    SUCCESS = "SUCCESS"
    #: Failed, or not done in time: NPD does not tell the two apart.
    EXPIRED = "EXPIRED"


def _text(value: object) -> object:
    """Take a number for its digits: the page does not say which of the two it sends."""
    return str(value) if type(value) is int and 0 <= value < _TOO_LARGE else value


def _printable(value: str) -> str:
    if not value.isprintable():
        message = "must be text on one line"
        raise ValueError(message)
    return value


def _named_on_success(value: str | None, info: ValidationInfo) -> str | None:
    if info.data.get("uprid_async_status") is Status.SUCCESS and not value:
        message = "is missing beside SUCCESS"
        raise ValueError(message)
    return value or None


_ENDS: Final = {Status.SUCCESS: State.SUCCEEDED, Status.EXPIRED: State.EXPIRED}
_TOO_LARGE: Final = 10**20
_Account = Annotated[
    str, BeforeValidator(_text), Field(strict=True, max_length=64), AfterValidator(_printable)
]


class _Said(BaseModel):
    """All that page 002 names; what else comes is ignored, as the message is the provider's."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, hide_input_in_errors=True)

    notification_id: BigId
    notification_name: Literal["uprid"]
    uprid_async_id: BigId
    uprid_async_status: Status
    user_phone: Annotated[MobilePhone, BeforeValidator(_text)]
    mnt_account_id: Annotated[_Account | None, AfterValidator(_named_on_success)]

    @model_validator(mode="before")
    @classmethod
    def _has_an_account(cls, members: object) -> object:
        """Have an account that is missing looked at too: a default would go by another name."""
        return {"mntAccountId": None, **members} if isinstance(members, Mapping) else members


def read_notification(payload: Mapping[str, Any]) -> Notification:
    """Validate a notification; raise `Refused` naming the fields, never the values."""
    said = validated(_Said, payload, "notification")
    content = {
        "notification_id": said.notification_id,
        "async_id": said.uprid_async_id,
        "status": said.uprid_async_status.value,
        "account": said.mnt_account_id,
        "phone": said.user_phone,
    }
    same = [content[name] for name in ("notification_id", "async_id", "status", "phone")]
    key = hashlib.sha256(json.dumps(same).encode()).hexdigest()
    return Notification(
        key=key,
        provider_ref=str(said.uprid_async_id),
        subject=said.user_phone,
        content=content,
        end=_ENDS[said.uprid_async_status],
        answer=whole(content),
    )


def whole(notice: Mapping[str, Any]) -> bytes:
    """Return a notification's content as NPD wrote it, in JSON. It names an account: to be sealed.

    Only `status` and `async_id` are relied on.
    """
    members = {
        "notificationId": notice.get("notification_id"),
        "notificationName": "uprid",
        "upridAsyncId": notice["async_id"],
        "upridAsyncStatus": notice["status"],
        "userPhone": notice.get("phone"),
        "mntAccountId": notice.get("account"),
    }
    given = {name: value for name, value in members.items() if value is not None}
    return json.dumps(given, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class NotifiedEnd:
    """The first notification of each status. A SUCCESS counts, whichever came first."""

    success: Mapping[str, Any] | None
    expired: Mapping[str, Any] | None

    @classmethod
    def of(cls, notices: Iterable[Mapping[str, Any]], provider_ref: str | None = None) -> Self:
        """Return what notifications say of a task; where it is not known, of the person."""
        first: dict[str, Mapping[str, Any]] = {}
        for notice in notices:
            if provider_ref is None or str(notice["async_id"]) == provider_ref:
                first.setdefault(notice["status"], notice)
        return cls(first.get(Status.SUCCESS), first.get(Status.EXPIRED))


#: What `tasks.npd.receive_notification` takes.
NOTIFICATION: Final = ExpectedNotification(Provider.NPD, read_notification)
