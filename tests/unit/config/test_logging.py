"""What Celery says of a broker that is away: a line that tells, and no stack."""

import json
import logging
from collections.abc import Iterator

import pytest

from config import logging as log_configuration


@pytest.fixture(autouse=True)
def configured(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    log_configuration.configure("INFO", lambda text: text, own=ValueError)
    yield
    root.handlers[:], root.level = before


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_lost_connection_is_not_told_a_second_time_in_other_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("celery.worker.consumer.consumer")

    logger.warning("%s (%r)", "consumer: Connection to broker lost. Trying …", OSError("closed"))
    logger.error("consumer: Cannot connect to %s", "redis://:…@host")

    assert [each["event"] for each in told(capsys)] == [
        "consumer: Cannot connect to redis://:…@host"
    ]


def test_message_that_celery_does_not_understand_is_told_without_its_body(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("celery.worker.consumer.consumer")

    logger.error("Received unregistered task of type %s, body: %s", "x", "Иванов")

    assert [each["event"] for each in told(capsys)] == ["message_not_understood"]


def test_beat_that_cannot_send_says_so_without_a_stack(capsys: pytest.CaptureFixture[str]) -> None:
    error = ConnectionError("Error 111")

    logging.getLogger("celery.beat").error(
        "Message Error: %s\n%s", error, ['File "x", line 1'], exc_info=error
    )

    [line] = told(capsys)
    assert line["event"] == "beat_cannot_send: ConnectionError"
    assert "passed" not in line
