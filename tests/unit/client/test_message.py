"""The client writes messages as Celery does: those of earlier releases come out the same."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any, Final

import pytest

from uprid_client.message import Message

GOLDEN: Final = Path(__file__).parents[2] / "golden"


def golden() -> list[Any]:
    """Return every message that a marketplace sent, as it lies in the broker."""
    found: dict[str, Any] = {}
    for release in sorted(GOLDEN.glob("*/messages.json")):
        for name, message in json.loads(release.read_text("utf-8")).items():
            if "slot" not in arguments_of(message):
                found[f"{release.parent.name}: {name}"] = message
    return [pytest.param(message, id=name) for name, message in found.items()]


def arguments_of(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message's keyword arguments."""
    arguments: dict[str, Any] = json.loads(b64decode(message["body"]))[1]
    return arguments


def written_like(message: dict[str, Any]) -> dict[str, Any]:
    """Return what the client writes for the same task, id and arguments."""
    headers, properties = message["headers"], message["properties"]
    written: dict[str, Any] = json.loads(
        Message(
            headers["id"],
            headers["task"],
            properties["delivery_info"]["routing_key"],
            arguments_of(message),
        ).written(
            sender=headers["origin"],
            reply_to=properties["reply_to"],
            delivery_tag=properties["delivery_tag"],
        )
    )
    return written


@pytest.mark.parametrize("message", golden())
def test_message_of_an_earlier_release_is_written_the_same(message: dict[str, Any]) -> None:
    written = written_like(message)

    assert json.loads(b64decode(written.pop("body"))) == json.loads(b64decode(message.pop("body")))
    assert written == message


def test_message_shows_no_argument() -> None:
    message = Message("1", "tasks.mandarin.submit_sms_code", "mandarin", {"sealed": "gAAAAsecret"})

    written = json.loads(message.written(sender="gen1@host", reply_to="2", delivery_tag="3"))

    assert "secret" not in json.dumps([written["headers"], written["properties"]])
    assert "secret" not in repr(message)
