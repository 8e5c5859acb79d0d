"""NPD's URL notification, as a marketplace hands it on. It is not signed: it must be matched."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from uprid_client.contract import npd as contract
from uprid_client.contract.validating import validated


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that was found good."""

    #: 64 hex digits, the same for the same notification. It is made of a phone, unkeyed.
    key: str = field(repr=False)
    #: The `asyncId` that `startuprid` answered, in decimal.
    provider_ref: str
    #: The phone, 79XXXXXXXXX.
    party: str = field(repr=False)
    #: What `Work.notices` will hold, and with it all that the page names.
    content: Mapping[str, Any] = field(repr=False)


def read_notification(payload: Mapping[str, Any]) -> Notification:
    """Validate a notification; raise `Refused` naming the fields, never the values."""
    said = validated(contract.Notification, payload, "notification")
    content = {
        "notification_id": said.notification_id,
        "async_id": said.uprid_async_id,
        "status": said.uprid_async_status.value,
        "account": said.mnt_account_id,
        "phone": said.user_phone,
    }
    same = [content[name] for name in ("notification_id", "async_id", "status", "phone")]
    key = hashlib.sha256(json.dumps(same).encode()).hexdigest()
    return Notification(key, str(said.uprid_async_id), said.user_phone, content)


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
