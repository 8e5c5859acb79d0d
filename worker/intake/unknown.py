"""Messages for a task that this release does not have: another release's, or made up.

While two releases run side by side, each may get tasks that only the other one has.
"""

from collections.abc import Mapping
from typing import Any

from uprid_client.contract.refusal_codes import RefusalCode
from uprid_client.errors import Refused
from uprid_client.shown_names import shown_task
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.intake.refusals import refuse


def refuse_unknown(parts: Parts, message_id: str, name: str, arguments: Mapping[str, Any]) -> None:
    """Refuse a message whose task is unknown, with an event; raise `DatabaseUnavailable`."""
    message = Message(message_id, shown_task(name), (), arguments)
    reason = "task: is no task of this release: look at its name, or upgrade the workers first"
    refuse(parts, message, Refused(reason, code=RefusalCode.UNKNOWN_TASK))
