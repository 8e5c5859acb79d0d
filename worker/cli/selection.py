"""The common part of all on-call actions: which operations, which attempt, who, and why."""

import getpass
import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from config.settings import Need, Settings
from uprid_client import Client
from uprid_client.contract.states import State
from uprid_client.contract.words import LONGEST_NAME, LONGEST_NOTE, is_reference, name_of, note_of
from worker.cli import streams
from worker.cli.access import client_of
from worker.cli.exits import FAILED, MISUSED, Stop, opened, settings_for
from worker.cli.output import say
from worker.cli.streams import complain
from worker.store import reading
from worker.store.reading import Row, Story

References = Annotated[
    list[str],
    typer.Argument(
        metavar="REFERENCE...", help="A single - reads references from a pipe, one a line."
    ),
]
Note = Annotated[str, typer.Option(help="Why. It is stored and shown: nothing personal.")]
By = Annotated[str, typer.Option(help="Who. By default your login name.")]
Attempt = Annotated[
    int | None,
    typer.Option(min=1, help="Only if this is still the current attempt. For one REFERENCE."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")]

#: In the place of references: they come from standard input.
_PIPE: Final = "-"


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants which operations to be acted on, and why."""

    references: list[str]
    note: str
    by: str
    attempt: int | None
    dry_run: bool
    #: What is wrong with the command's own options.
    errors: tuple[str, ...] = ()
    #: What the action would ask about first is answered.
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """The action on each of them."""

    allowed: Collection[State]
    #: What can be done, in words: `only … can be retried`.
    only: str
    #: What would come of it, for a row.
    outcome: Callable[[Row], str]
    #: Asks the workers to do it: reference, attempt, by, note.
    ask: Callable[[Client, str, int, str, str], object]
    #: What speaks against doing it to a row, so that a person has to say yes; None: nothing.
    against: Callable[[Row], str | None] = lambda _row: None


def act(request: Request, command: Command) -> None:
    """Act on every operation that allows it; name the others, and exit 1 if there are any."""
    errors = []
    if request.attempt is not None and not is_one(request.references):
        errors.append("--attempt: goes with one REFERENCE only")
    by = checked(request.note, request.by, *request.errors, *errors)
    settings = settings_for(Need.BROKER, Need.KEYS)
    with opened(settings) as database, database.read() as connection:
        stories = {
            name: reading.story(connection, name) if is_reference(name) else None
            for name in dict.fromkeys(_named(request.references))
        }
    chosen: list[Row] = []
    for reference, story in stories.items():
        error = _error(story, request.attempt, command)
        if error is not None:
            complain(f"{reference}: {error}")
            continue
        row = None if story is None else story.operation
        if row is not None and _is_wanted(row, request, command):
            chosen.append(row)
    if request.dry_run:
        for row in chosen:
            say(f"{row.reference}: would {command.outcome(row)}")
    else:
        _ask(settings, request, command, chosen, by)
    if len(chosen) < len(stories):
        raise typer.Exit(FAILED)


def _ask(
    settings: Settings, request: Request, command: Command, chosen: Sequence[Row], by: str
) -> None:
    """Act on all of them, even if the reader of the output has gone."""
    lost: streams.OutputLost | None = None
    with client_of(settings) as client:
        for row in chosen:
            command.ask(client, row.reference, row.attempt, by, request.note)
            try:
                say(f"{row.reference}: asked to {command.outcome(row)}")
            except streams.OutputLost as error:
                lost = error
    if lost is not None:
        raise lost


def is_one(references: Sequence[str]) -> bool:
    """Return whether exactly one operation is meant."""
    return len(set(references)) == 1 and references[0] != _PIPE


def checked(note: str | None, by: str, *more: str) -> str:
    """Return who acts; end with status 2 and all that is wrong, `more` errors included.

    A note that is None is not needed.
    """
    name = name_of(by or _login_name())
    errors = [*([] if note is None else _note_errors(note)), *more]
    if name is None:
        errors.append(f"--by: must say who, in 1 to {LONGEST_NAME} printable characters")
    if errors:
        raise Stop(MISUSED, errors)
    return name or ""


def _named(references: Sequence[str]) -> Sequence[str]:
    if list(references) != [_PIPE]:
        return references
    try:
        return streams.read_text().splitlines()
    except streams.InputUnusable as error:
        raise Stop(FAILED, [f"standard input: {error}"]) from None


def _note_errors(note: str) -> list[str]:
    # Letters: the `…` of a command that was copied as it is says nothing.
    masked = note_of(note) if any(letter.isalpha() for letter in note) else None
    if masked is None:
        return [f"--note: must say why, in at most {LONGEST_NOTE} printable characters"]
    if masked != " ".join(note.split()):
        return ["--note: holds what looks like a number or address of a person: leave it out"]
    return []


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid-{os.getuid()}"


def _is_wanted(row: Row, request: Request, command: Command) -> bool:
    """Return whether an action is to be done although its last reason is not retryable."""
    against = command.against(row)
    if against is None or request.yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        complain(f"{row.reference}: {against}: add --yes to {command.outcome(row)} all the same")
        return False
    if request.dry_run:
        complain(f"{row.reference}: {against}: would ask first")
        return True
    question = f"{row.reference}: {against}. {command.outcome(row).capitalize()} all the same?"
    return typer.confirm(question, err=True)


def _error(story: Story | None, attempt: int | None, command: Command) -> str | None:
    row = None if story is None else story.operation
    if row is None:
        refused = story is not None and bool(story.refusals)
        return "was refused, see `uprid show`" if refused else "no operation has this reference"
    if attempt is not None and row.attempt != attempt:
        return f"attempt {row.attempt} is current, not {attempt}: look at it first (uprid show)"
    if row.state not in command.allowed:
        return f"is {row.state.value}: {command.only}"
    return None
