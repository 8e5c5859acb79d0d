"""`uprid answer`: what the provider answered, opened. The one command that shows personal data."""

from typing import Annotated

import typer

from config.settings import Need
from uprid_client.contract.words import is_reference
from uprid_client.errors import Unsealable
from uprid_client.sealing import Sealer
from worker.cli.exits import FAILED, Stop, opened, settings_for
from worker.cli.output import say
from worker.cli.selection import By, Note, checked
from worker.store import answers


def answer(
    reference: Annotated[str, typer.Argument()],
    note: Note,
    by: By = "",
    attempt: Annotated[
        int | None, typer.Option(min=1, help="By default the current attempt.")
    ] = None,
) -> None:
    """Print the provider's whole answer.

    It is personal data: your name and your note are stored.
    """
    by = checked(note, by)
    settings = settings_for(Need.KEYS)
    sealer = Sealer.of(settings)
    with opened(settings) as database, database.begin() as connection:
        ciphertext = None
        if is_reference(reference):
            now = database.now()
            ciphertext = answers.look_into(connection, reference, attempt, by, note, now)
        if ciphertext is None:
            raise Stop(FAILED, [f"{reference}: no answer is kept, see `uprid show`"])
        try:
            content = sealer.open_bytes(ciphertext)
        except Unsealable:
            line = f"{reference}: the answer opens with none of UPRID_SEAL_KEYS: put its key back"
            raise Stop(FAILED, [line]) from None
    # A terminal plays control characters, and these come from outside.
    text = content.decode("utf-8", "replace")
    say("".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text))
