"""`uprid demo` on the command line: says what to install before it imports the stand-ins."""

from typing import Annotated

import typer

from worker.cli.exits import MISUSED, Stop
from worker.cli.extra import NoLocalExtra, require_local


def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the logs and the databases afterwards.")
    ] = False,
) -> None:
    """Run identifications and registries of all providers here, against the sandbox."""
    try:
        require_local()
    except NoLocalExtra as error:
        raise Stop(MISUSED, [str(error)]) from None
    # A production installation lacks what this imports.
    from worker.local.demo.demo import demo as play  # noqa: PLC0415

    play(keep=keep)
