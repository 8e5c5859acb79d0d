"""The Celery app: the same for worker, poller, beat and Flower."""

import sys
from collections.abc import Mapping
from typing import Any

from celery import Celery, bootsteps, signals
from celery.app.amqp import AMQP
from celery.local import PromiseProxy
from celery.worker import state as worker_state
from celery.worker.request import Request

from config import logging as log_configuration
from config.celery import configuration
from config.settings import Need, SettingsError, load
from worker import runtime
from worker.errors import UpridError
from worker.privacy.masking import MASK, mask_text, shown_arguments


class MaskedAMQP(AMQP):
    """Writes message headers in which no argument can be read.

    The only place that all senders pass: `apply_async`, `send_task` and a retry alike.
    """

    def as_task_v2(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Celery's signature
        """Return the message, with its arguments masked for the eyes of Flower and the logs."""
        message = super().as_task_v2(*args, **kwargs)
        message.headers["argsrepr"], message.headers["kwargsrepr"] = _shown(*message.body[:2])
        return message

    # Celery looks the function up by protocol number in a table made at construction.
    @property
    def task_protocols(self) -> Mapping[int, Any]:
        """Return the one protocol that is spoken."""
        return {2: self.as_task_v2}

    @task_protocols.setter
    def task_protocols(self, _value: object) -> None:
        """Ignore Celery's own table."""


class MaskedRequest(Request):
    """A received message whose arguments nobody sees, whatever its sender wrote in its headers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._argsrepr, self._kwargsrepr = _shown(self._args, self._kwargs)

    def info(self, safe: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - Celery's signature
        """Return what `inspect` and Flower's worker page show: never the arguments themselves."""
        del safe
        return super().info(safe=True)


class Lifecycle(bootsteps.StartStopStep):
    """Starts the process's heartbeat, relay and sweep before the first message is taken."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's worker
        """Wait for the database, then begin; a stop meanwhile is heeded."""
        runtime.start(
            parent.app,
            role="poller" if _consumes_chunks(parent) else "worker",
            give_up=lambda: (
                worker_state.should_stop is not None or worker_state.should_terminate is not None
            ),
        )


def _shown(args: object, kwargs: object) -> tuple[str, str]:
    return (f"({MASK})" if args else "()"), shown_arguments(kwargs)


def _consumes_chunks(parent: Any) -> bool:  # noqa: ANN401 - Celery's worker
    return any(name.endswith(".chunks") for name in parent.app.amqp.queues.consume_from)


def _configuration() -> dict[str, Any]:
    """Read the settings when Celery first asks; say all that is wrong and exit 2 otherwise."""
    try:
        settings = load([Need.BROKER])
    except SettingsError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)  # noqa: T201 - there is no log yet
        raise SystemExit(2) from None
    engine = settings.engine
    return configuration(settings.broker_url, engine.visibility_timeout, engine.sweep_every)


@signals.setup_logging.connect
def _configure_logging(**_: object) -> None:
    log_configuration.configure(load().log_level, mask_text, own=UpridError)


@signals.worker_shutting_down.connect
def _stop_taking(**_: object) -> None:
    runtime.stop_taking()


@signals.worker_shutdown.connect
def _leave(**_: object) -> None:
    runtime.leave()


app = Celery("uprid", amqp=MaskedAMQP, set_as_current=True)
app.config_from_object(PromiseProxy(_configuration))
app.steps["worker"].add(Lifecycle)
