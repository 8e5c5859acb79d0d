"""Celery messages as they lie in Redis, written by hand: well formed, and not."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from tests.support.messages.marketplace import START

Members = dict[str, Any]


def body(*, args: object = (), kwargs: object = None, embed: object = None) -> str:
    """Return a message's body: JSON of arguments, keyword arguments and what is chained to it."""
    return json.dumps([args, kwargs or {}, embed or {}], ensure_ascii=False)


def message(
    content: str,
    task: object = START,
    *,
    headers: Mapping[str, object] | None = None,
    properties: Mapping[str, object] | None = None,
    **changes: object,
) -> str:
    """Return a message as another language's client writes it: no `argsrepr`, no `origin`.

    `headers`, `properties` and `changes` replace members; None leaves one out.
    """
    message_id = str(uuid4())
    whole: Members = {
        "body": base64.b64encode(content.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": _with(
            {"lang": "js", "task": task, "id": message_id, "root_id": message_id}, headers
        ),
        "properties": _with(
            {
                "correlation_id": message_id,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "moneta"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
            properties,
        ),
    }
    return json.dumps(_with(whole, {name.replace("_", "-"): v for name, v in changes.items()}))


def _with(members: Members, changes: Mapping[str, object] | None) -> Members:
    return {
        name: value for name, value in {**members, **(changes or {})}.items() if value is not None
    }


#: Messages that no worker can take.
MALFORMED: Final[dict[str, str]] = {
    "body-object": message('{"a": 1}'),
    "body-object-of-three": message('{"a": 1, "b": 2, "c": 3}'),
    "body-number": message("5"),
    "body-null": message("null"),
    "body-text": message('"abc"'),
    "body-of-two": message("[[], {}]"),
    "body-no-json": message("{"),
    "body-empty": message(""),
    "body-no-utf8": message("").replace('"body": ""', '"body": "W/9d"'),
    "body-deep": message("[" * 100_000),
    "body-endless-number": message(f'[[], {{"unit_id": {"9" * 6000}}}, {{}}]'),
    "arguments-null": message("[null, {}, {}]"),
    "arguments-number": message("[5, {}, {}]"),
    "keywords-null": message("[[], null, {}]"),
    "keywords-list": message("[[], [], {}]"),
    "chained-text": message('[[], {}, "x"]'),
    "id-missing": message(body(), headers={"id": None}),
    "id-number": message(body(), headers={"id": 5}),
    "id-with-nul": message(body(), headers={"id": "nul\x00"}),
    "id-surrogate": message(body(), headers={"id": "half\ud83d"}),
    "id-list": message(body(), headers={"id": [1]}),
    "task-missing": message(body(), headers={"task": None}),
    "task-number": message(body(), task=5),
    "task-list": message(body(), task=[1]),
    "task-unknown": message(body(), task="tasks.moneta.no_such_task"),
    "headers-empty": message(body(), headers={"lang": None, "task": None, "id": None}),
    "eta-garbage": message(body(), headers={"eta": "soon"}),
    "expiry-garbage": message(body(), headers={"expires": "soon"}),
    "time-limit-text": message(body(), headers={"timelimit": "x"}),
    "time-limit-of-three": message(body(), headers={"timelimit": [1, 2, 3]}),
    "type-missing": message(body(), content_type=None),
    "type-yaml": message(body(), content_type="application/x-yaml"),
    "type-pickle": message(body(), content_type="application/x-python-serialize"),
    "tag-missing": message(body(), properties={"delivery_tag": None}),
}
