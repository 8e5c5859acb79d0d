"""`uprid invoices`: the payment registry as the workers stored it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from config.settings import Need, Settings
from uprid_client.contract.words import is_reference
from uprid_client.database.invoices import Choice, Invoice, stored_invoices
from uprid_client.errors import Unsealable
from uprid_client.sealing import Sealer
from worker.cli import sheets, streams
from worker.cli.ages import since as parsed
from worker.cli.exits import FAILED, MISUSED, Stop, opened, settings_for
from worker.cli.output import say
from worker.cli.selection import By, checked
from worker.store import invoices, reading
from worker.store.database import Database

#: Makes lines of invoices.
Writer = Callable[[Iterable[Invoice]], Iterator[str]]

app = typer.Typer(no_args_is_help=True, help="The stored payment registry.")


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


class Dialect(StrEnum):
    """What a CSV is made for."""

    #: Excel with Russian settings: a BOM, semicolons between cells, commas in amounts.
    RU = "ru"


@app.callback()
def invoices_() -> None:
    """Make `export` a command of its own, though it is the only one."""


@app.command()
def export(
    *,
    form: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.CSV,
    dialect: Annotated[
        Dialect | None,
        typer.Option(help="ru: for Excel, with a BOM, semicolons and decimal commas. CSV only."),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="Only invoices that this operation fetched, in its current attempt."),
    ] = None,
    attempt: Annotated[
        int | None, typer.Option(min=1, help="With --reference: that this attempt fetched.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only invoices fetched since then: RFC 3339, or an age such as 10m.",
        ),
    ] = None,
    transactions: Annotated[
        bool,
        typer.Option("--transactions", help="One row a transaction, instead of one an invoice."),
    ] = False,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal",
            help="Also comments, names, e-mails and accounts. Needs --note; your name is stored.",
        ),
    ] = False,
    note: Annotated[
        str, typer.Option(help="With --personal: why. It is stored and shown: nothing personal.")
    ] = "",
    by: By = "",
) -> None:
    """Print stored invoices to standard output.

    Each invoice is printed once, in its newest version, sorted by id. Without --personal no
    personal data are printed. Times are RFC 3339 in UTC, amounts are exact. In CSV, a text that a
    spreadsheet would take for a formula gets a ' before it. A file or a pipe gets UTF-8. JSON lines
    also have an invoice's transactions.
    """
    begin = _checked(reference, attempt, since, form, dialect)
    by = checked(note, by) if personal else by
    settings = settings_for(Need.KEYS) if personal else settings_for()
    with opened(settings) as database:
        chosen = None if reference is None else _fetch(database, reference, attempt)
        if personal:
            with database.begin() as connection:
                invoices.look_into(connection, chosen, by, note, database.now())
    write = _writer(form, dialect, transactions=transactions, personal=personal)
    _print(settings, Choice(reference, attempt, begin), write, personal)


def _checked(
    reference: str | None,
    attempt: int | None,
    since: str | None,
    form: Format,
    dialect: Dialect | None,
) -> datetime | None:
    """Return the time that is meant; end with status 2 and all that is wrong with the options."""
    errors = []
    begin = None
    if attempt is not None and reference is None:
        errors.append("--attempt: goes with --reference only")
    if dialect is not None and form is not Format.CSV:
        errors.append("--dialect: goes with --format csv only")
    if since is not None:
        try:
            begin = parsed(since, datetime.now(UTC))
        except ValueError as error:
            errors.append(f"--since: {error}")
    if errors:
        raise Stop(MISUSED, errors)
    return begin


def _fetch(database: Database, reference: str, attempt: int | None) -> tuple[str, int]:
    """Return which operation and attempt are meant; end with status 1 where there is none."""
    with database.read() as connection:
        story = reading.story(connection, reference) if is_reference(reference) else None
    row = None if story is None else story.operation
    if row is None:
        raise Stop(FAILED, [f"{reference}: no operation has this reference"])
    if attempt is not None and attempt > row.attempt:
        raise Stop(FAILED, [f"{reference}: attempt {row.attempt} is its last, there is no other"])
    return row.id, attempt or row.attempt


def _writer(form: Format, dialect: Dialect | None, *, transactions: bool, personal: bool) -> Writer:
    """Return what makes lines of invoices."""
    if form is Format.JSONL:
        return partial(sheets.json_lines, transactions=transactions, personal=personal)
    layout = sheets.PLAIN if dialect is None else sheets.RUSSIAN
    return partial(sheets.csv_lines, transactions=transactions, personal=personal, layout=layout)


def _print(settings: Settings, choice: Choice, write: Writer, personal: bool) -> None:
    streams.as_file()
    sealer = Sealer.of(settings) if personal else None
    found = stored_invoices(settings.database_url, choice, None if sealer is None else sealer.open)
    try:
        for line in write(found):
            say(line)
    except Unsealable:
        back = "put the key back that they were sealed with, at the end of UPRID_SEAL_KEYS"
        raise Stop(
            FAILED, [f"what is personal opens with none of UPRID_SEAL_KEYS: {back}"]
        ) from None
