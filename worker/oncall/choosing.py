"""What every on-call action has in common: which operations, which attempt, who, and why."""

import getpass
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from config.settings import Need
from worker.client import Client
from worker.oncall.access import client_of
from worker.oncall.output import say
from worker.oncall.stop import FAILED, MISUSED, Stop, complain, opened, settings_for
from worker.operations.states import State
from worker.operations.store import reading
from worker.operations.store.reading import Row, Story
from worker.privacy.masking import mask_text

References = Annotated[list[str], typer.Argument(metavar="REFERENCE...")]
Note = Annotated[str, typer.Option(help="Why; kept and shown, so nothing personal.")]
By = Annotated[str, typer.Option(help="Who; the login name if not given.")]
Attempt = Annotated[
    int | None,
    typer.Option(min=1, help="Only if this is still the current attempt. For one REFERENCE."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]

_LONGEST_NOTE: Final = 500
_CYRILLIC: Final = re.compile(r"[А-Яа-яЁё]+")


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants something done to which operations, and why."""

    references: list[str]
    note: str
    by: str
    attempt: int | None
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to each of them."""

    name: str
    allowed: Collection[State]
    #: What can be done, in words: `only … can be retried`.
    only: str
    #: What would come of it, for a row.
    outcome: Callable[[Row], str]
    #: Asks the workers to do it: reference, attempt, by, note.
    ask: Callable[[Client, str, int, str, str], object]


def act(request: Request, deed: Deed) -> None:
    """Do it to every operation that it can be done to; name the others and exit 1 for them."""
    _check_usage(request)
    settings = settings_for(Need.BROKER, Need.KEYS)
    with opened(settings) as database, database.read() as connection:
        stories = {
            name: reading.story(connection, name) for name in dict.fromkeys(request.references)
        }
    chosen: list[Row] = []
    for reference, story in stories.items():
        fault = _fault(story, request.attempt, deed)
        if fault is not None:
            complain(f"{reference}: {fault}")
        elif story is not None and story.operation is not None:
            chosen.append(story.operation)
    if request.dry_run:
        for row in chosen:
            say(f"{row.reference}: would {deed.outcome(row)}")
    else:
        by = request.by or login_name()
        with client_of(settings) as client:
            for row in chosen:
                deed.ask(client, row.reference, row.attempt, by, request.note)
                say(f"{row.reference}: asked to {deed.outcome(row)}")
    if len(chosen) < len(stories):
        raise typer.Exit(FAILED)


def login_name() -> str:
    """Return who is logged in, or the number of the user who has no name (as in a container)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def check_note(note: str) -> list[str]:
    """Return what is wrong with a note."""
    faults = []
    if not note.strip() or len(note) > _LONGEST_NOTE:
        faults.append(f"--note: must be 1 to {_LONGEST_NOTE} characters: say why")
    # Notes are written in Russian, which the mask would take for somebody's name.
    plain = _CYRILLIC.sub("", note)
    if mask_text(plain) != plain:
        faults.append("--note: holds what looks like a number or address of a person: leave it out")
    return faults


def _check_usage(request: Request) -> None:
    faults = check_note(request.note)
    if request.attempt is not None and len(set(request.references)) > 1:
        faults.append("--attempt: goes with one REFERENCE only")
    if faults:
        raise Stop(MISUSED, faults)


def _fault(story: Story | None, attempt: int | None, deed: Deed) -> str | None:
    row = None if story is None else story.operation
    if row is None:
        refused = story is not None and bool(story.refusals)
        return "was refused, see `uprid show`" if refused else "no operation has this reference"
    if attempt is not None and row.attempt != attempt:
        return f"attempt {row.attempt} is current, not {attempt}: look at it first (uprid show)"
    if row.state not in deed.allowed:
        return f"is {row.state.value}: {deed.only}"
    return None
