"""What others can leave in the broker where workers read, each with a passport planted in it."""

import base64
import json
from typing import Final

from tests.support.messages.malformed import body, message

#: Nothing of ours may ever show it.
PLANTED: Final = "4509861001"

_PLANTED: Final = PLANTED.encode()

#: Entries of a queue that are no messages, and have no id.
NO_MESSAGES: Final[dict[str, bytes]] = {
    "bare": _PLANTED + b" x",
    "null": b" null",
    "list": b'["' + _PLANTED + b'"]',
    "number": _PLANTED,
    "text": b'"' + _PLANTED + b'"',
    "not-utf8": b'{"' + _PLANTED + b'": "\xff\xfe"}',
    "not-a-number": b'{"' + _PLANTED + b'": NaN}',
    "endless-number": b'{"properties": ' + _PLANTED * 500 + b"}",
    "deep": b"[" * 50_000 + _PLANTED,
    "object": b'{"' + _PLANTED + b'": 1}',
    "properties-null": b'{"properties": null, "body": "' + _PLANTED + b'"}',
    "headers-list": b'{"properties": {}, "headers": ["' + _PLANTED + b'"]}',
}

#: Messages with an id that cannot be read.
NO_TASKS: Final[dict[str, str]] = {
    "body-null": message("", body=None, headers={"shadow": PLANTED}),
    "body-no-base64": message("").replace('"body": ""', f'"body": "{PLANTED}x"'),
    "body-encoding": message(body(args=[PLANTED]), properties={"body_encoding": PLANTED}),
    "body-half-surrogate": message(
        "", properties={"body_encoding": None}
    ).replace('"body": ""', '"body": "\\ud83d"'),
    "body-deep": message("[" * 50_000 + PLANTED),
    "body-no-list": message(json.dumps({PLANTED: PLANTED})),
    "type-yaml": message(PLANTED, content_type="application/x-yaml"),
    "type-unknown": message(PLANTED, content_type=f"application/{PLANTED}"),
    "charset": message(body(args=[PLANTED]), content_encoding=PLANTED),
    "compression": message(PLANTED, headers={"compression": PLANTED}),
    "delivery-info-null": message(PLANTED, properties={"delivery_info": None}),
    "delivery-info-elsewhere": message(
        PLANTED, properties={"delivery_info": {"exchange": "stolen", "routing_key": "stolen"}}
    ),
    "priority-infinite": message(PLANTED, properties={"priority": 10**30}),
    "tag-list": message(PLANTED, properties={"delivery_tag": [PLANTED]}),
    "headers-of-all-types": message(
        PLANTED,
        headers={
            "eta": {}, "expires": [], "retries": PLANTED, "timelimit": PLANTED, "root_id": [1],
            "group": {PLANTED: 1}, "stamps": PLANTED, "stamped_headers": 5, "shadow": [PLANTED],
            "argsrepr": PLANTED * 1_000, "ignore_result": PLANTED, "lang": PLANTED,
        },
    ),
}  # fmt: skip

#: Published messages that are none.
NO_BROADCASTS: Final[tuple[bytes, ...]] = (
    *NO_MESSAGES.values(),
    json.dumps(
        {
            "body": base64.b64encode(b"5").decode(),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"clock": 1},
            "properties": {
                "delivery_info": {"routing_key": "worker.heartbeat"},
                "delivery_tag": "t",
                "body_encoding": "base64",
            },
        }
    ).encode(),
)
