"""Masking of Celery's messages: no argument can be read in the headers of any sender."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from worker.process.masking import MaskedAMQP, shown

PHONE, NAME = "79161234567", "Иванов"


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("masked", amqp=MaskedAMQP, broker="memory://", set_as_current=False)
    made.conf.task_send_sent_event = True
    yield made
    made.close()


def message(app: Celery, **given: object) -> Any:  # noqa: ANN401 - Celery has no types
    kwargs = {"reference": "order-1", "sealed": PHONE, "note": NAME}
    return app.amqp.as_task_v2("id", "tasks.x", args=[PHONE], kwargs=kwargs, **given)


def test_headers_show_no_argument(app: Celery) -> None:
    headers = message(app).headers

    assert headers["argsrepr"] == "(…)"
    assert headers["kwargsrepr"] == "{reference: 'order-1', sealed: …, note: …}"


def test_headers_show_no_argument_although_the_sender_wrote_them(app: Celery) -> None:
    headers = message(app, argsrepr=PHONE, kwargsrepr=NAME).headers

    assert PHONE not in str(headers)
    assert NAME not in str(headers)


def test_sent_event_shows_no_argument(app: Celery) -> None:
    sent = message(app, create_sent_event=True).sent_event

    assert sent is not None
    assert PHONE not in str(sent)
    assert NAME not in str(sent)


def test_body_is_sent_as_it_was_given(app: Celery) -> None:
    args, kwargs, _ = message(app).body

    assert (args, kwargs["sealed"]) == ([PHONE], PHONE)


def test_one_protocol_is_spoken(app: Celery) -> None:
    assert set(app.amqp.task_protocols) == {2}


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        pytest.param((), {}, ("()", "{}"), id="nothing"),
        pytest.param([1], {"attempt": 1}, ("(…)", "{attempt: 1}"), id="something"),
        pytest.param(None, None, ("()", "…"), id="no arguments at all"),
    ],
)
def test_shown(args: object, kwargs: object, expected: tuple[str, str]) -> None:
    assert shown(args, kwargs) == expected
