"""Messages for a task that this release does not have: a newer one's, an older one's, nobody's.

While two releases run side by side, either may be handed what only the other one knows.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from config.queues import INTAKE_QUEUES, UPKEEP_QUEUE
from worker.errors import Refused
from worker.intake.message import Message, storable
from worker.intake.refusals import refuse
from worker.refusal_codes import RefusalCode
from worker.runtime import Runtime

#: What a task may be called to be named in a refusal.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
#: Queues that others send to. What is lost of the rest, chunks and upkeep, the sweep makes up for.
_OF_OTHERS: Final = frozenset(INTAKE_QUEUES) - {UPKEEP_QUEUE}


def refuse_unknown(
    runtime: Runtime, queue: object, headers: Mapping[str, Any], body: object
) -> None:
    """Refuse a message aloud whose task is unknown, if it came from outside.

    `body` is Celery's list of arguments, keyword arguments and the rest, or whatever there was.
    """
    message_id, name = headers.get("id"), headers.get("task")
    if queue not in _OF_OTHERS or not isinstance(message_id, str) or not isinstance(name, str):
        return
    given = body[1] if isinstance(body, list) and len(body) > 1 else {}
    message = Message(
        storable(message_id),
        name if _NAME.fullmatch(name) else "(unnamed)",
        (),
        given if isinstance(given, dict) else {},
    )
    reason = "task: is no task of this release: look at its name, or upgrade the workers first"
    refuse(runtime, message, Refused(reason, code=RefusalCode.UNKNOWN_TASK))
