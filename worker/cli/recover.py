"""`uprid recover`: prevents double submits after a fail-over that may have lost commits."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from uprid_client.names import Provider
from worker.cli.ages import since as parsed
from worker.cli.exits import MISUSED, Stop, opened, settings_for
from worker.cli.output import say
from worker.cli.selection import By, DryRun, Note, checked
from worker.store import fail_over
from worker.store.fail_over import Recovery


def recover(
    since: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Time of the last commit that survived: RFC 3339, or an age such as 10m.",
        ),
    ],
    note: Note,
    by: By = "",
    was_paused: Annotated[
        list[Provider],
        typer.Option(
            metavar="PROVIDER",
            help="Leave out a provider that stayed paused since that time; repeatable.",
        ),
    ] = [],  # noqa: B006 - typer reads it once
    dry_run: DryRun = False,
) -> None:
    """Prevent double submits after a database lost commits.

    Everything that may have been sent since that time is put in doubt: it is cleared up, and not
    sent again. Stop every worker and poller first.
    """
    by = checked(note, by)
    now = datetime.now(UTC)
    try:
        begin = parsed(since, now)
    except ValueError as error:
        raise Stop(MISUSED, [f"--since: {error}"]) from None
    if begin > now:
        raise Stop(
            MISUSED, ["--since: lies ahead: must be when the last commit that is left was made"]
        )
    recovery = Recovery(begin, by, note, frozenset(was_paused))
    with opened(settings_for()) as database:
        paused = fail_over.paused(database, begin)
        unpaused = sorted(recovery.was_paused - paused.keys())
        if unpaused:
            raise Stop(
                MISUSED,
                [f"--was-paused: {each} was not paused at that time" for each in unpaused],
            )
        work = fail_over.find if dry_run else fail_over.recover
        found = work(database, recovery)
    for provider, number in sorted(found.items()):
        outcome = "would be put in doubt" if dry_run else "put in doubt, to be cleared up"
        say(f"{provider}: {number} {outcome}")
        if dry_run and provider in paused:
            say(
                f"{provider}: paused since {paused[provider]:%Y-%m-%dT%H:%M:%SZ}. If it stayed"
                f" paused, add --was-paused {provider} to leave it out"
            )
    if not found:
        say("nothing may have been sent that is not in doubt already")
