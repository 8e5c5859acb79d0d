"""`uprid`: the command line. Every command is a module and is named here.

Only the module of the command that is typed is imported: a poller that was killed must be back
within seconds, and has no use for the demo or for Flower. Nothing that has to be installed is
imported before `main`, which says in a line for each what is missing.
"""

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from uprid_client.errors import UpridError
from worker.cli import foreign, installation, streams

if TYPE_CHECKING:
    import typer

#: By name: the command's module, and the function in it.
_COMMANDS: Final = {
    "up": ("worker.local.up", "up"),
    "demo": ("worker.local.demo.command", "demo"),
    "worker": ("worker.cli.roles", "worker"),
    "poller": ("worker.cli.roles", "poller"),
    "beat": ("worker.cli.roles", "beat"),
    "flower": ("worker.cli.flower", "flower"),
    "migrate": ("worker.cli.migrate", "migrate"),
    "doctor": ("worker.cli.doctor.command", "doctor"),
    "enqueue": ("worker.cli.enqueue", "enqueue"),
    "list": ("worker.cli.listing", "list_operations"),
    "show": ("worker.cli.show", "show"),
    "answer": ("worker.cli.answer", "answer"),
    "retry": ("worker.cli.retry", "retry"),
    "resume": ("worker.cli.decisions", "resume"),
    "resolve": ("worker.cli.decisions", "resolve"),
    "cancel": ("worker.cli.decisions", "cancel"),
    "pause": ("worker.cli.pause", "pause"),
    "unpause": ("worker.cli.pause", "unpause"),
    "recover": ("worker.cli.recover", "recover"),
    "sandbox": ("worker.cli.sandbox", "sandbox"),
    "purge": ("worker.cli.purge", "purge"),
}
#: Modules that have commands of their own.
_GROUPS: Final = ("events", "invoices", "keys")
#: The thing asked for failed.
_FAILED: Final = 1


def application(typed: str | None = None) -> "typer.Typer":
    """Return the command line with the command that is typed, or with all where none is known."""
    app: typer.Typer = import_module("typer").Typer(
        name="uprid",
        help="Identify people and fetch registries at payment providers.",
        no_args_is_help=True,
        add_completion=False,
        # A traceback with local variables would show personal data.
        pretty_exceptions_enable=False,
        # Plain text: an error is a line in a log as often as on a screen.
        rich_markup_mode=None,
    )
    # Has one command, too, be typed by its name.
    app.callback()(_nothing)
    is_known = typed in _COMMANDS or typed in _GROUPS
    for name, (module, function) in _COMMANDS.items():
        if name == typed or not is_known:
            found = import_module(module)
            app.command(name)(getattr(found, function))
    for group in _GROUPS:
        if group == typed or not is_known:
            app.add_typer(import_module(f"worker.cli.{group}").app, name=group)
    return app


def _nothing() -> None:
    """Identify people and fetch registries at payment providers."""


def main() -> None:
    """Run one command and exit: 0 done, 1 failed, 2 wrong usage or settings."""
    foreign.forget(os.environ)
    streams.prepare()
    sys.argv = streams.arguments()
    try:
        status = _run(sys.argv[1] if len(sys.argv) > 1 else None)
        streams.flush()
    except ImportError as error:
        found = [lack for lack in installation.lacks() if lack.is_ours]
        sys.stderr.writelines(f"{lack}\n" for lack in found or [installation.lack_of(error)])
        status = _FAILED
    except streams.OutputLost as lost:
        if not lost.is_quiet:
            streams.complain(lost.line)
        streams.give_up()
        status = _FAILED
    sys.exit(status)


def _run(typed: str | None) -> int:
    """Return a command's exit status; print each error in a line."""
    stop = import_module("worker.cli.exits")
    try:
        application(typed)()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else _FAILED * (end.code is not None)
    except stop.Stop as ended:
        for line in ended.lines:
            streams.complain(line)
        status: int = ended.status
        return status
    except UpridError as error:
        streams.complain(stop.explained(error))
        return _FAILED
    except OSError as error:
        # A file or folder that no command of ours expected to fail.
        why = error.strerror or type(error).__name__
        named = error.filename is not None
        line = f"{error.filename}: cannot be made, read or written ({why})" if named else why
        streams.complain(line)
        return _FAILED
    return 0


if __name__ == "__main__":
    main()
