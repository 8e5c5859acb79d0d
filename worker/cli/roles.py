"""The Procfile's roles on Celery: `uprid worker`, `uprid poller`, `uprid beat`."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from celery import platforms
from celery.apps import beat as celery_beat
from celery.beat import Service

from config.celery import queues_of
from config.settings import Need
from worker.cli import streams
from worker.cli.exits import fit_settings_for
from worker.process.app import app
from worker.process.runtime import POOL

#: Intake tasks are short: a message is checked and stored.
_INTAKE_THREADS = 8

Concurrency = Annotated[int, typer.Option(min=1, max=256, help="Tasks that run at a time.")]


class Beat(celery_beat.Beat):
    """Celery's, but that it closes its file only as it ends.

    Celery's closes it as the signal comes. Where the exception that it then raises gets lost in
    what is under way, beat goes on and ends with a traceback at its next look into the file.
    """

    def install_sync_handler(self, service: Service) -> None:
        """Have SIGTERM and SIGINT end the service."""

        def stop(*_: object) -> NoReturn:
            service.stop()
            # Python prints the traceback of what gets lost while an object is cleared away.
            sys.unraisablehook = _silent_about_the_stop(sys.unraisablehook)
            raise SystemExit

        platforms.signals.update(SIGTERM=stop, SIGINT=stop)


def _silent_about_the_stop(
    usual: Callable[["sys.UnraisableHookArgs"], object],
) -> Callable[["sys.UnraisableHookArgs"], object]:
    """Return the usual hook, but that it passes over the exception of a stop."""

    def hook(lost: "sys.UnraisableHookArgs") -> None:
        if not isinstance(lost.exc_value, SystemExit):
            usual(lost)

    return hook


def worker(concurrency: Concurrency = _INTAKE_THREADS) -> None:
    """Take messages: starts, actions, upkeep. Any number of them may run."""
    _consume("worker", concurrency)


def poller(concurrency: Concurrency = POOL) -> None:
    """Call the providers for due operations. Any number of them may run."""
    _consume("poller", concurrency)


def beat(
    schedule: Annotated[Path, typer.Option(help="Celery beat's own file. It may be lost.")] = Path(
        "var/beat-schedule"
    ),
) -> None:
    """Trigger the sweep additionally. Optional; at most one may run."""
    settings = fit_settings_for(Need.BROKER)
    file = streams.path_of(str(schedule))
    file.parent.mkdir(parents=True, exist_ok=True)
    streams.by_line()
    Beat(app=app, schedule=str(file), loglevel=settings.log_level).run()


def _consume(role: str, concurrency: int) -> None:
    settings = fit_settings_for(Need.BROKER, Need.KEYS)
    celery_worker = app.Worker(
        # Unique, as any number of them may run on one host.
        hostname=f"{role}-{os.getpid()}@{socket.gethostname()}",
        pool_cls="threads",
        concurrency=concurrency,
        queues=list(queues_of(role)),
        loglevel=settings.log_level,
        # Workers agree through the database; talk between them only grows with their number.
        without_gossip=True,
        without_mingle=True,
    )
    streams.by_line()
    celery_worker.start()
    raise typer.Exit(celery_worker.exitcode or 0)
