"""`uprid flower`: Celery's monitoring page, with our configuration and never without a password."""

import os
from typing import Annotated, Final

import typer
from celery.bin.celery import celery

# Celery finds both by name; where one cannot be imported, its error does not say so.
from flower.command import flower as _flower  # noqa: F401

from config import logging as log_configuration
from config.settings import Need
from uprid_client.errors import UpridError
from uprid_client.masking import mask_text
from worker.cli.exits import MISUSED, Stop, fit_settings_for, settings_for
from worker.flower import queues
from worker.process import app as _app  # noqa: F401

#: Read by Flower itself: on a command line everybody on the host could read the password.
_AUTH: Final = "FLOWER_BASIC_AUTH"


def flower(
    port: Annotated[int, typer.Option(min=1, max=65_535, envvar="FLOWER_PORT")] = 5555,
    address: Annotated[str, typer.Option(envvar="FLOWER_ADDRESS")] = "127.0.0.1",
    inspect_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that Flower waits for a worker's answer.")
    ] = 2.0,
) -> None:
    """Show workers and tasks on a web page. /metrics and /healthcheck need no password."""
    settings_for(Need.BROKER)
    # Flower reads it again by itself; a line end of the file it came from is no part of a password.
    os.environ[_AUTH] = os.environ.get(_AUTH, "").strip()
    _require_password(os.environ[_AUTH])
    settings = fit_settings_for(Need.BROKER)
    log_configuration.configure(settings.log_level, mask_text, own=UpridError)
    queues.replace_flowers_own(settings.broker_url)
    status = celery.main(
        args=[
            "--app=worker.process.app",
            "flower",
            f"--port={port}",
            f"--address={address}",
            f"--inspect_timeout={inspect_timeout * 1000:.0f}",
            # Or Flower runs the flowerconfig.py of the directory that it was started in.
            f"--conf={os.devnull}",
        ],
        prog_name="uprid",
        standalone_mode=False,
    )
    raise typer.Exit(status or 0)


def _require_password(given: str) -> None:
    pairs = [pair.partition(":") for pair in given.split(",")]
    if not given.isprintable() or not all(name.strip() and word for name, _, word in pairs):
        raise Stop(MISUSED, [f"{_AUTH}: is missing or no name:password: set who may see Flower"])
