"""`uprid sandbox`: runs the providers' stand-ins on one port."""

from typing import Annotated, Any

import typer

from worker.cli import streams
from worker.cli.exits import FAILED, MISUSED, Stop
from worker.cli.extra import NoLocalExtra, require_local
from worker.cli.output import say, say_table


def sandbox(
    *,
    port: Annotated[
        int | None, typer.Option(help="On 127.0.0.1; a free one where none is given.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="MONETA: the user.")] = None,
    password: Annotated[str | None, typer.Option(help="MONETA: that user's password.")] = None,
    anonymous_group_id: Annotated[int | None, typer.Option(help="MONETA")] = None,
    simplified_group_id: Annotated[int | None, typer.Option(help="MONETA")] = None,
    full_group_id: Annotated[int | None, typer.Option(help="MONETA")] = None,
    delay: Annotated[
        float | None, typer.Option(help="Seconds that a task stays in progress.")
    ] = None,
    task_timeout: Annotated[float | None, typer.Option(help="Seconds to a task's expiry.")] = None,
    callbacks: Annotated[
        bool, typer.Option("--callbacks", help="Call the callbackUrl of tasks, on loopback only.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other option; may be repeated."),
    ] = None,
    scenarios: Annotated[
        bool, typer.Option("--scenarios", help="Print the magic numbers and stop.")
    ] = False,
) -> None:
    """Stand in for the providers over real HTTP; each under its own prefix, on loopback only."""
    try:
        require_local()
    except NoLocalExtra as error:
        raise Stop(MISUSED, [str(error)]) from None
    if scenarios:
        _list_scenarios()
        return
    given = {
        "port": port,
        "username": username,
        "password": password,
        "anonymous_group_id": anonymous_group_id,
        "simplified_group_id": simplified_group_id,
        "full_group_id": full_group_id,
        "delay": delay,
        "task_timeout": task_timeout,
        "callbacks": callbacks,
    }
    _serve({name: value for name, value in given.items() if value is not None}, settings or [])


def _serve(given: dict[str, Any], settings: list[str]) -> None:
    # A production installation has no stand-ins.
    from uprid_sandbox.options import SandboxOptions, read_settings  # noqa: PLC0415
    from uprid_sandbox.server import serve  # noqa: PLC0415

    try:
        options: SandboxOptions = SandboxOptions(**given | read_settings(settings))
    except ValueError as error:
        raise Stop(MISUSED, [str(error)]) from None
    try:
        serve(options, _announce)
    except OSError as error:
        line = f"port {options.port} cannot be had ({error.strerror}): choose another with --port"
        raise Stop(FAILED, [line]) from None


def _list_scenarios() -> None:
    from uprid_sandbox.scenarios import describe  # noqa: PLC0415

    rows = [(r.provider, r.magic, f"{r.number:03}", r.name, r.what) for r in describe()]
    say_table(("PROVIDER", "WHAT DECIDES", "NUMBER", "NAME", "WHAT HAPPENS"), rows)


def _announce(address: str) -> None:
    say(f"sandbox ready on {address}")
    # A process that waits for this line reads from a pipe.
    streams.flush()
