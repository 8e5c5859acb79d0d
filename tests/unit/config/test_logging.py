"""What Celery says of a broker that is away: a line that tells, and no stack."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from config import logging as log_configuration
from uprid_client.masking import mask_text


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before, configured = (root.handlers[:], root.level), structlog.get_config()
    yield
    root.handlers[:], root.level = before
    structlog.configure(**configured)


def told(capsys: pytest.CaptureFixture[str], say: Callable[[], None]) -> list[dict[str, str]]:
    """Return the lines that come of what is said to the loggers."""
    log_configuration.configure("INFO", lambda text: text, own=ValueError)
    say()
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_lost_connection_is_not_told_a_second_time_in_other_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("celery.worker.consumer.consumer")

    def say() -> None:
        lost = "consumer: Connection to broker lost. Trying …"
        logger.warning("%s (%r)", lost, OSError("closed"))
        logger.error("consumer: Cannot connect to %s", "redis://:…@host")

    assert [line["event"] for line in told(capsys, say)] == [
        "consumer: Cannot connect to redis://:…@host"
    ]


def test_message_that_celery_does_not_understand_is_told_without_its_body(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("celery.worker.consumer.consumer")

    def say() -> None:
        logger.error("Received unregistered task of type %s, body: %s", "x", "Иванов")

    assert [line["event"] for line in told(capsys, say)] == ["message_not_understood"]


def test_beat_that_cannot_send_says_so_without_a_stack(capsys: pytest.CaptureFixture[str]) -> None:
    error, logger = ConnectionError("Error 111"), logging.getLogger("celery.beat")

    def say() -> None:
        stack = ['File "x", line 1']
        logger.error("Message Error: %s\n%s", error, stack, exc_info=error)

    [line] = told(capsys, say)

    assert line["event"] == "beat_cannot_send: ConnectionError"
    assert "passed" not in line


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param("0f9b7f8e-1234-4123-8123-123456789012", None, id="a UUID"),
        pytest.param("sha256:" + "1234567890" * 6 + "abcd", None, id="a hash of ours"),
        pytest.param("79001234567", "79001234567", id="a phone"),
        pytest.param("order-anna@shop.example", "anna@shop.example", id="an address"),
    ],
)
def test_id_that_a_sender_chose_is_masked_unless_it_was_generated(
    capsys: pytest.CaptureFixture[str], given: str, shown: str | None
) -> None:
    log_configuration.configure("INFO", mask_text, own=ValueError)
    with structlog.contextvars.bound_contextvars(task_id=given):
        structlog.get_logger("x").info("anything")
    [line] = map(json.loads, capsys.readouterr().err.splitlines())

    if shown is None:
        assert line["task_id"] == given
    else:
        assert shown not in line["task_id"]
