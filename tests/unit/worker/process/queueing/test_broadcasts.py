"""What of a published message goes on to workers and Flower."""

import base64
import json

import pytest

from worker.process.queueing.bodies import Misread
from worker.process.queueing.broadcasts import read_broadcast

PIDBOX = "celery.pidbox"
EVENTS = "celeryev"
EVENT = {
    "type": "worker-heartbeat", "hostname": "w@h", "clock": 5, "timestamp": 1.5, "utcoffset": 0,
    "pid": 1,
}  # fmt: skip


def published(content: object, **changes: object) -> bytes:
    whole = {
        "body": base64.b64encode(json.dumps(content).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"clock": 1, "expires": 2.5},
        "properties": {"delivery_info": {}, "delivery_tag": "t", "body_encoding": "base64"},
    }
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return json.dumps({**whole, **changed}).encode()


@pytest.mark.parametrize(
    ("content", "exchange"),
    [
        ({"method": "ping", "arguments": {}}, PIDBOX),
        (EVENT, EVENTS),
        ([EVENT, {**EVENT, "uuid": "u", "type": "task-sent"}], EVENTS),
        ({"w@h": {"ok": "pong"}}, "a-reply-queue"),
    ],
)
def test_what_celery_publishes_is_read(content: object, exchange: str) -> None:
    raw = published(content)

    assert read_broadcast(raw, exchange) == json.loads(raw)


BAD: dict[str, tuple[bytes, str]] = {
    "word": (b"ping", PIDBOX),
    "null": (b"null", PIDBOX),
    "not-utf8": (b"\xff", EVENTS),
    "deep": (b"[" * 100_000, EVENTS),
    "large": (published({"a": "x" * 2_000_000}), PIDBOX),
    "properties": (published({}, properties=None), PIDBOX),
    "tag": (published({}, properties={"delivery_info": {}}), PIDBOX),
    "headers": (published({}, headers=[]), PIDBOX),
    "compressed": (published({}, headers={"compression": "zlib"}), PIDBOX),
    "clock-text": (published({}, headers={"clock": "x"}), PIDBOX),
    "clock-beyond-measure": (published({}, headers={"clock": int("9" * 4000)}), PIDBOX),
    "expires-text": (published({}, headers={"expires": "x"}), PIDBOX),
    "ticket-list": (published({}, headers={"ticket": []}), PIDBOX),
    "pickle": (published({}, content_type="application/x-python-serialize"), PIDBOX),
    "charset": (published({}, content_encoding=["x"]), PIDBOX),
    "body-null": (published({}, body=None), PIDBOX),
    "list": (published([1]), PIDBOX),
    "text": (published("x"), PIDBOX),
    "event-number": (published(5), EVENTS),
    "event-without-type": (published({**EVENT, "type": None}), EVENTS),
    "event-without-host": (published({**EVENT, "hostname": 5}), EVENTS),
    "event-uuid-list": (published({**EVENT, "uuid": []}), EVENTS),
    "event-clock": (published({**EVENT, "clock": None}), EVENTS),
    "event-time-text": (published({**EVENT, "timestamp": "x"}), EVENTS),
    "event-time-nan": (published({**EVENT, "timestamp": float("nan")}), EVENTS),
    "one-event-of-two": (published([EVENT, 5]), EVENTS),
}


@pytest.mark.parametrize(("raw", "exchange"), BAD.values(), ids=BAD)
def test_what_is_no_broadcast_is_not_read(raw: bytes, exchange: str) -> None:
    with pytest.raises(Misread):
        read_broadcast(raw, exchange)
