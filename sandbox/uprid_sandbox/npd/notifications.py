"""Notifies the marketplace how tasks ended, once each, on loopback only; keeps what it sent."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from uprid_sandbox.clock import Clock
from uprid_sandbox.moneta.tasks import Task
from uprid_sandbox.npd.acts import Members, Notification
from uprid_sandbox.npd.people import Person

#: Takes a body and the seconds from now.
Messenger = Callable[[bytes, float], None]

_FIRST_ID: Final = 3_001
_FIRST_ACCOUNT: Final = 61_000_001
_FOREIGN_PHONE: Final = "79000000001"
_NEVER_GIVEN: Final = 10_000_000


def send_nothing(_body: bytes, _after: float) -> None:
    """Send nothing: notifications are taken from the list."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One notification, sent or to be sent."""

    at: datetime
    body: Members = field(repr=False)


class NotificationBoard:
    """All notifications."""

    def __init__(self, delay: float, clock: Clock, messenger: Messenger) -> None:
        self._delay = delay
        self._clock = clock
        self._messenger = messenger
        self._ids = count(_FIRST_ID)
        self._accounts = count(_FIRST_ACCOUNT)
        self._letters: list[Letter] = []

    def announce(self, person: Person, task: Task, notifications: tuple[Notification, ...]) -> None:
        """Send a task's notifications, each at its time."""
        number, account = 0, next(self._accounts)
        for notification in notifications:
            number = number if notification.again else next(self._ids)
            since = task.expires_at if notification.overdue else task.created_at
            at = since + timedelta(seconds=self._delay * notification.after)
            body = _body(notification, person, task, number, account)
            self._letters.append(Letter(at, person.scenario.look(body)))
            after = (at - self._clock()).total_seconds()
            self._messenger(json.dumps(self._letters[-1].body).encode(), after)

    def as_json(self) -> list[dict[str, Any]]:
        """Return `{"at", "due", "body"}` each, whole, in the order of their making.

        `due`: the moment has come. `body` is the notification as it is sent.
        """
        now = self._clock()
        return [
            {"at": letter.at.isoformat(), "due": letter.at <= now, "body": letter.body}
            for letter in self._letters
        ]

    def clear(self) -> None:
        """Forget them; what is on its way arrives."""
        self._letters.clear()


def _body(
    notification: Notification, person: Person, task: Task, number: int, account: int
) -> Members:
    body: Members = {
        "notificationId": number,
        "notificationName": "uprid",
        "upridAsyncId": task.id + (_NEVER_GIVEN if notification.foreign_task else 0),
        "upridAsyncStatus": notification.status,
        "userPhone": _FOREIGN_PHONE if notification.foreign_phone else person.phone,
    }
    if notification.status == "SUCCESS":
        body["mntAccountId"] = account
    changed = body | dict(notification.members)
    return {name: value for name, value in changed.items() if value is not None}
