from uprid_client.contract.events import EventType
from worker.local.demo.record import ReceivedEvent, Record


def _heard(number: int, kind: EventType, reference: str = "order") -> ReceivedEvent:
    return ReceivedEvent(str(number), kind.value, reference, {})


def test_record_takes_an_event_once_when_it_is_delivered_twice() -> None:
    record = Record()
    assert record.add(_heard(1, EventType.ACCEPTED))
    assert not record.add(_heard(1, EventType.ACCEPTED))
    assert len(record.of("order")) == 1


def test_record_counts_an_operations_events_by_type() -> None:
    record = Record()
    for number in (1, 2):
        record.add(_heard(number, EventType.INPUT_REQUIRED))
    record.add(_heard(3, EventType.INPUT_REQUIRED, "another"))
    assert record.count("order", EventType.INPUT_REQUIRED) == 2
    assert record.count("order", EventType.SUCCEEDED) == 0


def test_record_keeps_refusals_apart() -> None:
    record = Record()
    record.add(_heard(1, EventType.MESSAGE_REFUSED))
    assert record.subjects == set()
    assert [each.subject for each in record.refusals] == ["order"]
