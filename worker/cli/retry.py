"""`uprid retry`: starts the next attempt of operations that ended or wait."""

from typing import Annotated

import typer

from uprid_client.contract.states import TERMINAL
from worker.cli.selection import Attempt, By, Command, DryRun, Note, References, Request, act
from worker.domain.states import RETRYABLE
from worker.store.reading import Row


def _against(row: Row) -> str | None:
    reason = row.reason or {}
    # What waits has no end yet: that a person looked at it is why it is retried.
    if row.state not in TERMINAL or reason.get("retryable", True):
        return None
    return f"ended as {reason['code']}, after which no next attempt was expected to succeed"


_RETRY = Command(
    allowed=RETRYABLE,
    only="only what ended without success or waits can be retried",
    outcome=lambda row: f"begin attempt {row.attempt + 1}",
    ask=lambda client, reference, attempt, by, note: client.retry(reference, attempt, by, note),
    against=_against,
)


def retry(
    references: References,
    note: Note,
    by: By = "",
    attempt: Attempt = None,
    dry_run: DryRun = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask, even if the last end is not retryable.")
    ] = False,
) -> None:
    """Start the next attempt, with the data of the last one.

    From rejected, expired, failed and waiting_for_person. What cannot be retried is named, the
    others are. After an end whose reason is not retryable it asks first; where no terminal is, it
    wants --yes.
    """
    act(Request(references, note, by, attempt, dry_run, yes=yes), _RETRY)
