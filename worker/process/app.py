"""The Celery app: the same for worker, poller, beat and Flower."""

import sys
from typing import Any, NoReturn

# Without it kombu goes on, and fails later with an unrelated error.
import redis  # noqa: F401
from celery import bootsteps, signals
from celery.local import PromiseProxy
from celery.worker import state as worker_state

# Loaded by name at the first connection: import here, so that a missing part shows at the start.
from kombu.transport import redis as _transport  # noqa: F401

from config import logging as log_configuration
from config.celery import configuration
from config.queues import TASK_MODULES
from config.settings import Need, SettingsError, load
from uprid_client.errors import UpridError
from uprid_client.masking import mask_text
from worker.process import broker_waiting, runtime
from worker.process.celery_app import OwnCelery
from worker.process.consumer import SturdyConsumer
from worker.process.queueing import channel
from worker.process.redis_fitness import require_fit


class Lifecycle(bootsteps.StartStopStep):
    """Starts the process's heartbeat, relay and sweep before the first message is taken."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:  # noqa: ANN401 - Celery's worker
        """Wait for the database, then begin; a stop meanwhile is heeded."""
        role = "poller" if _consumes_chunks(parent) else "worker"
        try:
            settings = load([Need.BROKER, Need.KEYS])
            require_fit(settings)
            runtime.start(parent.app, settings, role=role, give_up=_is_stopping)
        except SettingsError as error:
            _exit(error)


def _exit(error: SettingsError) -> NoReturn:
    for line in error.errors:
        print(line, file=sys.stderr)  # noqa: T201 - for the person at the terminal
    raise SystemExit(2) from None


def _is_stopping() -> bool:
    return worker_state.should_stop is not None or worker_state.should_terminate is not None


def _consumes_chunks(parent: Any) -> bool:  # noqa: ANN401 - Celery's worker
    return any(name.endswith(".chunks") for name in parent.app.amqp.queues.consume_from)


def _configuration() -> dict[str, Any]:
    """Read the settings when Celery first asks; print every error and exit 2 otherwise."""
    try:
        settings = load([Need.BROKER])
    except SettingsError as error:
        _exit(error)
    engine = settings.engine
    return {
        **configuration(settings.broker_url, engine.visibility_timeout, engine.sweep_every),
        "worker_consumer": f"{SturdyConsumer.__module__}:{SturdyConsumer.__qualname__}",
    }


@signals.setup_logging.connect
def _configure_logging(**_: object) -> None:
    log_configuration.configure(load().log_level, mask_text, own=UpridError)
    broker_waiting.quieten()


@signals.worker_shutting_down.connect
def _stop_taking(**_: object) -> None:
    runtime.stop_taking()


@signals.worker_shutdown.connect
def _leave(**_: object) -> None:
    runtime.leave()


channel.install()
app: Any = OwnCelery("uprid", PromiseProxy(_configuration), include=TASK_MODULES)
app.steps["worker"].add(Lifecycle)
