"""A task message as it lies in the broker: Celery's protocol 2, as kombu writes it to a Redis list.

Written here, so that a marketplace needs no Celery of our version beside its own. Pure.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from uprid_client.masking import shown_arguments

#: What Celery could do with a result, and we never do.
_EMBEDDED: Final[Mapping[str, None]] = {
    "callbacks": None,
    "errbacks": None,
    "chain": None,
    "chord": None,
}
_PERSISTENT: Final = 2


@dataclass(frozen=True, slots=True)
class Message:
    """One task message. Its `repr` shows no argument."""

    id: str
    task: str
    queue: str
    #: Plain JSON; what is personal is sealed in it.
    arguments: Mapping[str, Any] = field(repr=False)

    def written(self, *, sender: str, reply_to: str, delivery_tag: str) -> bytes:
        """Return the entry of the queue's list.

        `sender` names this process, `reply_to` this client; neither is looked at by the workers.
        """
        body = json.dumps([[], dict(self.arguments), dict(_EMBEDDED)])
        entry = {
            "body": b64encode(body.encode()).decode("ascii"),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": self._headers(sender),
            "properties": {
                "correlation_id": self.id,
                "reply_to": reply_to,
                "delivery_mode": _PERSISTENT,
                "delivery_info": {"exchange": "", "routing_key": self.queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": delivery_tag,
            },
        }
        return json.dumps(entry).encode()

    def _headers(self, sender: str) -> dict[str, Any]:
        return {
            "lang": "py",
            "task": self.task,
            "id": self.id,
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": self.id,
            "parent_id": None,
            # What Flower and the logs of any Celery show: no argument can be read in it.
            "argsrepr": "()",
            "kwargsrepr": shown_arguments(self.arguments),
            "origin": sender,
            "ignore_result": None,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        }
