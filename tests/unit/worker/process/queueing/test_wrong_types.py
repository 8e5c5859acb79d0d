"""Keys that are no queues are left out, and looked at again."""

import pytest
from structlog.testing import capture_logs

from worker.process.queueing import wrong_types
from worker.process.queueing.wrong_types import WrongTypes


def test_key_of_another_type_is_left_out_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(wrong_types, "monotonic", lambda: now)
    wrong = WrongTypes()
    assert wrong.without(["a", "b"]) == ["a", "b"]

    wrong.note({"a": "string", "b": "list", "c": "none"})

    assert wrong.without(["a", "b", "c"]) == ["b", "c"]
    now += 11
    assert wrong.without(["a", "b"]) == ["a", "b"]


def test_key_of_another_type_is_logged_once() -> None:
    wrong = WrongTypes()

    with capture_logs() as logs:
        wrong.note({"a": "string"})
        wrong.note({"a": "string"})
        wrong.note({"a": "list"})
        wrong.note({"a": "hash"})

    assert [(log["event"], log["queue"]) for log in logs] == [
        ("queue_is_no_list", "a"),
        ("queue_is_a_list_again", "a"),
        ("queue_is_no_list", "a"),
    ]
