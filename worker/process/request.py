"""A received message whose arguments are shown nowhere, not even those in its headers."""

from typing import Any

from celery.worker.request import Request

from worker.process.masking import shown


class MaskedRequest(Request):  # type: ignore[misc]
    """What Celery's events, logs and `inspect` read a message from."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._argsrepr, self._kwargsrepr = shown(self._args, self._kwargs)

    def maybe_expire(self) -> None:
        """Let the task itself say that it has expired: Celery would drop it without a word."""

    def info(self, safe: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - Celery's signature
        """Return what `inspect` and Flower's worker page show: never the arguments themselves."""
        del safe
        return super().info(safe=True)
