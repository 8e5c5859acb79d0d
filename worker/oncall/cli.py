"""`uprid`: the command line. Every command is a module of this package and is named here."""

import sys

import typer

from worker.errors import UpridError
from worker.oncall import events, invoices, keys
from worker.oncall.answer import answer
from worker.oncall.decide import cancel, resolve, resume
from worker.oncall.demo import demo
from worker.oncall.doctor import doctor
from worker.oncall.enqueue import enqueue
from worker.oncall.flower import flower
from worker.oncall.listing import list_operations
from worker.oncall.migrate import migrate
from worker.oncall.pause import pause, unpause
from worker.oncall.purge import purge
from worker.oncall.retry import retry
from worker.oncall.roles import beat, poller, worker
from worker.oncall.sandbox import sandbox
from worker.oncall.show import show
from worker.oncall.stop import FAILED, Stop, complain, explained
from worker.oncall.up import up

app = typer.Typer(
    name="uprid",
    help="Identifications from enqueue to event.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show what nobody may see.
    pretty_exceptions_enable=False,
    # Plain text: an error is a line in a log as often as on a screen.
    rich_markup_mode=None,
)
app.command()(up)
app.command()(demo)
app.command()(worker)
app.command()(poller)
app.command()(beat)
app.command()(flower)
app.command()(migrate)
app.command()(doctor)
app.command()(enqueue)
app.command("list")(list_operations)
app.command()(show)
app.command()(answer)
app.command()(retry)
app.command()(resume)
app.command()(resolve)
app.command()(cancel)
app.command()(pause)
app.command()(unpause)
app.command()(sandbox)
app.command()(purge)
app.add_typer(events.app, name="events")
app.add_typer(invoices.app, name="invoices")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Run one command and exit: 0 done, 1 failed, 2 wrong usage or settings."""
    try:
        app()
    except Stop as stop:
        for line in stop.lines:
            complain(line)
        sys.exit(stop.status)
    except UpridError as error:
        complain(explained(error))
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
