from uprid_client.contract.events import EventType
from worker.local.demo.mail import Mail, Notification
from worker.local.demo.record import ReceivedEvent, Record

_PROMPT: Notification = {
    "userPhone": "79000361000",
    "upridAsyncStatus": "SUCCESS",
    "mntAccountId": 61,
}
_CUT_OFF: Notification = {
    "userPhone": "79000361500",
    "upridAsyncStatus": "SUCCESS",
    "mntAccountId": 62,
}


class Slot:
    """Where notifications drop in."""

    def __init__(self, *notifications: Notification) -> None:
        self._here = list(notifications)

    def __call__(self) -> list[Notification]:
        here, self._here = self._here, []
        return here


def test_mail_is_passed_on_once_with_whose_it_is() -> None:
    mail = Mail(Slot(_PROMPT))
    assert list(mail.due(Record())) == [("notified-success", _PROMPT)]
    assert list(mail.due(Record())) == []


def test_mail_is_held_back_until_its_operation_has_come_to_an_event() -> None:
    mail, record = Mail(Slot(_CUT_OFF, _PROMPT)), Record()
    assert [reference for reference, _ in mail.due(record)] == ["notified-success"]

    waiting = EventType.WAITING_FOR_PERSON
    record.add(ReceivedEvent("1", waiting.value, "dropped-task", {}))

    assert list(mail.due(record)) == [("dropped-task", _CUT_OFF)]


def test_mail_is_passed_on_where_nobody_is_known_by_its_phone() -> None:
    stranger = {"userPhone": "79000000001"}
    assert list(Mail(Slot(stranger)).due(Record())) == [("", stranger)]


def test_mail_notes_the_accounts_that_were_told() -> None:
    mail = Mail(Slot(_PROMPT, _CUT_OFF, {"userPhone": "1"}))
    list(mail.due(Record()))
    assert mail.accounts == {"61"}
