"""NPD's URL notification, as a marketplace hands it on. It is not signed: it must be matched."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from uprid_client.contract import npd as contract
from uprid_client.contract.npd import ReceiveNotification, Status
from uprid_client.contract.states import State
from uprid_client.contract.validating import validated
from uprid_client.names import Provider
from worker.providers.incoming import ExpectedNotification, Notification

_ENDS: Final = {Status.SUCCESS: State.SUCCEEDED, Status.EXPIRED: State.EXPIRED}


def read_notification(payload: Mapping[str, Any]) -> Notification:
    """Validate a notification; raise `Refused` naming the fields, never the values."""
    received = validated(contract.Notification, payload, "notification")
    content = {
        "notification_id": received.notification_id,
        "async_id": received.uprid_async_id,
        "status": received.uprid_async_status.value,
        "account": received.mnt_account_id,
        "phone": received.user_phone,
    }
    same = [content[name] for name in ("notification_id", "async_id", "status", "phone")]
    key = hashlib.sha256(json.dumps(same).encode()).hexdigest()
    return Notification(
        key=key,
        provider_ref=str(received.uprid_async_id),
        subject=received.user_phone,
        content=content,
        end=_ENDS[received.uprid_async_status],
        answer=whole(content),
    )


def whole(content: Mapping[str, Any]) -> bytes:
    """Return a notification's content as NPD wrote it, in JSON. It names an account: to be sealed.

    Only `status` and `async_id` are relied on.
    """
    members = {
        "notificationId": content.get("notification_id"),
        "notificationName": "uprid",
        "upridAsyncId": content["async_id"],
        "upridAsyncStatus": content["status"],
        "userPhone": content.get("phone"),
        "mntAccountId": content.get("account"),
    }
    given = {name: value for name, value in members.items() if value is not None}
    return json.dumps(given, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class NotifiedEnd:
    """The first notification of each status. A SUCCESS counts, whichever came first."""

    success: Mapping[str, Any] | None
    expired: Mapping[str, Any] | None

    @classmethod
    def of(
        cls, notifications: Iterable[Mapping[str, Any]], provider_ref: str | None = None
    ) -> Self:
        """Return what notifications say of a task; where it is not known, of the person."""
        first: dict[str, Mapping[str, Any]] = {}
        for content in notifications:
            if provider_ref is None or str(content["async_id"]) == provider_ref:
                first.setdefault(content["status"], content)
        return cls(first.get(Status.SUCCESS), first.get(Status.EXPIRED))


#: What `tasks.npd.receive_notification` takes.
NOTIFICATION: Final = ExpectedNotification(Provider.NPD, ReceiveNotification, read_notification)
