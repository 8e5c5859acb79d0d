"""What Celery says of a broker that is away: a line that tells, and no stack."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import redis
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


_LOST = ConnectionError("Error 111")


@pytest.mark.parametrize(
    ("logger", "says", "given", "event"),
    [
        pytest.param(
            "celery.beat", "Message Error: %s\n%s", (_LOST, ['File "x", line 1']),
            "beat_cannot_send", id="beat",
        ),
        pytest.param(
            "celery.worker.request", "Couldn't ack %r, reason:%r", ("1", _LOST),
            "acknowledged_too_late", id="acknowledged",
        ),
        pytest.param(
            "worker.process.consumer", "Couldn't reject %r, reason: %r", ("1", _LOST),
            "acknowledged_too_late", id="rejected",
        ),
        pytest.param(
            "kombu.transport.redis", "Could not restore message: %r", ({"body": "Иванов"},),
            "message_not_put_back", id="put back",
        ),
        pytest.param(
            "kombu.transport.redis", "Cannot process event on channel %r: %s", ("x", "Иванов"),
            "broadcast_not_understood", id="broadcast",
        ),
    ],
)  # fmt: skip
def test_server_that_is_away_is_told_in_a_line_without_stack_and_without_message(
    capsys: pytest.CaptureFixture[str],
    logger: str,
    says: str,
    given: tuple[object, ...],
    event: str,
) -> None:
    def say() -> None:
        try:
            raise _LOST
        except ConnectionError:
            logging.getLogger(logger).critical(says, *given, exc_info=True)

    [line] = told(capsys, say)

    assert line["event"] == f"{event}: ConnectionError"
    assert line["level"] == ("warning" if event == "acknowledged_too_late" else "critical")
    assert "passed" not in line
    assert "Иванов" not in str(line)


def test_library_tells_in_one_line_of_a_server_that_is_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost, stumbled = redis.TimeoutError("Timeout reading from socket"), LookupError("x")

    def say() -> None:
        for error in (lost, stumbled):
            logging.getLogger("kombu.asynchronous.hub").error("Error in timer", exc_info=error)

    first, second = told(capsys, say)

    assert (first["error"], "passed" in first) == ("TimeoutError", False)
    assert (second["error"], "passed" in second) == ("LookupError", True)


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
