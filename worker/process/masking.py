"""Masking of Celery's own headers: no argument can be read in them, of any sender."""

from collections.abc import Mapping
from typing import Any

from celery.app.amqp import AMQP

from uprid_client.masking import MASK, shown_arguments


class MaskedAMQP(AMQP):  # type: ignore[misc]
    """Writes message headers in which no argument can be read.

    The only place that all senders pass: `apply_async`, `send_task` and a retry alike.
    """

    def as_task_v2(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's signature
        """Return the message, with its arguments masked for the eyes of Flower and the logs."""
        message = super().as_task_v2(*args, **kwargs)
        shown_args, shown_kwargs = shown(*message.body[:2])
        message.headers["argsrepr"], message.headers["kwargsrepr"] = shown_args, shown_kwargs
        if message.sent_event is not None:
            message.sent_event["args"], message.sent_event["kwargs"] = shown_args, shown_kwargs
        return message

    # Celery looks the function up by protocol number in a table made at construction.
    @property
    def task_protocols(self) -> Mapping[int, Any]:
        """Return the one protocol that is spoken."""
        return {2: self.as_task_v2}

    @task_protocols.setter
    def task_protocols(self, _value: object) -> None:
        """Ignore Celery's own table."""


def shown(args: object, kwargs: object) -> tuple[str, str]:
    """Return what may be shown of a message's positional and keyword arguments."""
    return (f"({MASK})" if args else "()"), shown_arguments(kwargs)
