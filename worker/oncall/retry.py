"""`uprid retry`: the next attempt of operations that ended or wait."""

from worker.oncall.choosing import Attempt, By, Deed, DryRun, Note, References, Request, act
from worker.operations.states import RETRYABLE

_RETRY = Deed(
    allowed=RETRYABLE,
    only="only what ended without success or waits can be retried",
    outcome=lambda row: f"begin attempt {row.attempt + 1}",
    ask=lambda client, reference, attempt, by, note: client.retry(reference, attempt, by, note),
)


def retry(
    references: References,
    note: Note,
    by: By = "",
    attempt: Attempt = None,
    dry_run: DryRun = False,
) -> None:
    """Start the next attempt, with the data of the last one.

    From rejected, expired, failed and waiting_for_person. What cannot be retried is named, the
    others are.
    """
    act(Request(references, note, by, attempt, dry_run), _RETRY)
