"""`uprid sandbox`: runs the providers' stand-ins on one port."""

from dataclasses import replace
from typing import Annotated

import typer

from worker.oncall import streams
from worker.oncall.extra import NoLocalExtra, require_local
from worker.oncall.output import say, say_table
from worker.oncall.stop import FAILED, MISUSED, Stop
from worker.sandbox.options import SandboxOptions, read_settings
from worker.sandbox.scenarios import describe
from worker.sandbox.server import serve

_USUAL = SandboxOptions()


def sandbox(
    *,
    port: Annotated[
        int, typer.Option(help="The port on 127.0.0.1. 0 takes a free one.")
    ] = _USUAL.port,
    username: Annotated[str, typer.Option(help="MONETA's user name.")] = _USUAL.username,
    password: Annotated[str, typer.Option(help="MONETA's password.")] = _USUAL.password,
    anonymous_group_id: Annotated[int, typer.Option()] = _USUAL.anonymous_group_id,
    simplified_group_id: Annotated[int, typer.Option()] = _USUAL.simplified_group_id,
    full_group_id: Annotated[int, typer.Option()] = _USUAL.full_group_id,
    delay: Annotated[
        float, typer.Option(help="Seconds that a task stays in progress.")
    ] = _USUAL.delay,
    task_timeout: Annotated[
        float, typer.Option(help="Seconds until a task expires.")
    ] = _USUAL.task_timeout,
    callbacks: Annotated[
        bool, typer.Option("--callbacks", help="Call the callbackUrl of tasks, on loopback only.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other option. May be repeated."),
    ] = None,
    scenarios: Annotated[
        bool, typer.Option("--scenarios", help="Only print the magic numbers.")
    ] = False,
) -> None:
    """Stand in for the providers over HTTP, on loopback.

    Each provider has a prefix of its own: /moneta, /npd, /mandarin, /intellectmoney.
    """
    try:
        require_local()
    except NoLocalExtra as error:
        raise Stop(MISUSED, [str(error)]) from None
    if scenarios:
        rows = [(r.provider, r.magic, f"{r.number:03}", r.name, r.what) for r in describe()]
        say_table(("PROVIDER", "WHAT DECIDES", "NUMBER", "NAME", "WHAT HAPPENS"), rows)
        return
    try:
        options = SandboxOptions(
            port=port,
            username=username,
            password=password,
            anonymous_group_id=anonymous_group_id,
            simplified_group_id=simplified_group_id,
            full_group_id=full_group_id,
            delay=delay,
            task_timeout=task_timeout,
            callbacks=callbacks,
        )
        options = replace(options, **read_settings(settings or []))
    except ValueError as error:
        raise Stop(MISUSED, [str(error)]) from None
    try:
        serve(options, _announce)
    except OSError as error:
        line = f"port {port} cannot be had ({error.strerror}): choose another with --port"
        raise Stop(FAILED, [line]) from None


def _announce(address: str) -> None:
    say(f"sandbox ready on {address}")
    # A process that waits for this line reads from a pipe.
    streams.flush()
