"""`uprid answer`: what the provider answered, opened. The one command that shows personal data."""

from typing import Annotated

import typer

from config.settings import Need
from worker.errors import Unsealable
from worker.intake.words import is_reference
from worker.oncall.choosing import By, Note, checked
from worker.oncall.output import say
from worker.oncall.stop import FAILED, Stop, opened, settings_for
from worker.operations.store import answers
from worker.privacy.sealing import Sealer


def answer(
    reference: Annotated[str, typer.Argument()],
    note: Note,
    by: By = "",
    attempt: Annotated[
        int | None, typer.Option(min=1, help="The current one if not given.")
    ] = None,
) -> None:
    """Print the provider's whole answer. It is personal data: who looked, and why, is kept."""
    by = checked(note, by)
    settings = settings_for(Need.KEYS)
    sealer = Sealer.of(settings)
    with opened(settings) as database, database.begin() as connection:
        token = None
        if is_reference(reference):
            now = database.now()
            token = answers.look_into(connection, reference, attempt, by, note, now)
        if token is None:
            raise Stop(FAILED, [f"{reference}: no answer is kept, see `uprid show`"])
        try:
            content = sealer.open_bytes(token)
        except Unsealable:
            line = f"{reference}: the answer opens with none of UPRID_SEAL_KEYS: put its key back"
            raise Stop(FAILED, [line]) from None
    # A terminal plays control characters, and these come from outside.
    text = content.decode("utf-8", "replace")
    say("".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text))
