"""`uprid retry`: the next attempt of operations that ended or wait."""

import getpass
import os
import re
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from config.settings import Need
from worker.oncall.access import client_of
from worker.oncall.output import say
from worker.oncall.stop import FAILED, MISUSED, Stop, complain, opened, settings_for
from worker.operations.states import RETRYABLE
from worker.operations.store import reading
from worker.operations.store.reading import Row, Story
from worker.privacy.masking import mask_text

_LONGEST_NOTE: Final = 500
_CYRILLIC: Final = re.compile(r"[А-Яа-яЁё]+")


@dataclass(frozen=True, slots=True)
class Chosen:
    """An operation that can be retried, and the attempt that this is meant for."""

    reference: str
    attempt: int


def retry(
    references: Annotated[list[str], typer.Argument(metavar="REFERENCE...")],
    note: Annotated[str, typer.Option(help="Why; kept and shown, so nothing personal.")],
    by: Annotated[str, typer.Option(help="Who; the login name if not given.")] = "",
    attempt: Annotated[
        int | None,
        typer.Option(min=1, help="Only if this is still the current attempt. For one REFERENCE."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Start the next attempt, with the data of the last one.

    From rejected, expired, failed and waiting_for_person. What cannot be retried is named, the
    others are.
    """
    _check_usage(references, note, attempt)
    settings = settings_for(Need.BROKER, Need.KEYS)
    with opened(settings) as database, database.read() as connection:
        stories = {name: reading.story(connection, name) for name in dict.fromkeys(references)}
    chosen: list[Chosen] = []
    for reference, story in stories.items():
        fault = _fault(story, attempt)
        if fault is not None:
            complain(f"{reference}: {fault}")
        elif story is not None and story.operation is not None:
            chosen.append(Chosen(reference, story.operation.attempt))
    if dry_run:
        for each in chosen:
            say(f"{each.reference}: would begin attempt {each.attempt + 1}")
    else:
        with client_of(settings) as client:
            for each in chosen:
                client.retry(each.reference, each.attempt, by or login_name(), note)
                say(f"{each.reference}: asked for attempt {each.attempt + 1}")
    if len(chosen) < len(stories):
        raise typer.Exit(FAILED)


def login_name() -> str:
    """Return who is logged in, or the number of the user who has no name (as in a container)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def _check_usage(references: list[str], note: str, attempt: int | None) -> None:
    faults = []
    if not note.strip() or len(note) > _LONGEST_NOTE:
        faults.append(f"--note: must be 1 to {_LONGEST_NOTE} characters: say why")
    if _looks_personal(note):
        faults.append("--note: holds what looks like a number or address of a person: leave it out")
    if attempt is not None and len(set(references)) > 1:
        faults.append("--attempt: goes with one REFERENCE only")
    if faults:
        raise Stop(MISUSED, faults)


def _looks_personal(note: str) -> bool:
    # Notes are written in Russian, which the mask would take for somebody's name.
    plain = _CYRILLIC.sub("", note)
    return mask_text(plain) != plain


def _fault(story: Story | None, attempt: int | None) -> str | None:
    row: Row | None = None if story is None else story.operation
    if row is None:
        refused = story is not None and bool(story.refusals)
        return "was refused, see `uprid show`" if refused else "no operation has this reference"
    if attempt is not None and row.attempt != attempt:
        return f"attempt {row.attempt} is current, not {attempt}: look at it first (uprid show)"
    if row.state not in RETRYABLE:
        return f"is {row.state.value}: only what ended without success or waits can be retried"
    return None
