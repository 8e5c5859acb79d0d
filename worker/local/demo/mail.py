"""Passes NPD's notifications on, as the marketplace does."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from uprid_client.names import Provider
from worker.local.demo.cases import PLAYS
from worker.local.demo.cases.messages import IdentifySelfEmployed
from worker.local.demo.counting import phone_digits
from worker.local.demo.record import Record

Notification = Mapping[str, Any]

_PLAY: Final = PLAYS[Provider.NPD]
_BY_PHONE: Final = {
    phone_digits(case.start.payload["phone"]): case.reference
    for case in _PLAY.cases
    if isinstance(case.start, IdentifySelfEmployed)
}


class Mail:
    """Passes notifications on; a few are held back until their operation has come to an event."""

    def __init__(self, taken: Callable[[], list[Notification]]) -> None:
        self._taken = taken
        self._here: list[Notification] = []
        #: What the notifications brought that must stand in clear nowhere.
        self.accounts: set[str] = set()

    def due(self, record: Record) -> Iterator[tuple[str, Notification]]:
        """Yield the notifications to be passed on now, each with its reference."""
        self._here += self._taken()
        held, self._here = self._here, []
        for each in held:
            reference = _BY_PHONE.get(str(each.get("userPhone")), "")
            until = _PLAY.held.get(reference)
            if until is not None and not record.count(reference, until):
                self._here.append(each)
                continue
            if "mntAccountId" in each:
                self.accounts.add(str(each["mntAccountId"]))
            yield reference, each
