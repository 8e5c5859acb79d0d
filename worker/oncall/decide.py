"""`uprid resume`, `resolve` and `cancel`: what a person decides over operations."""

from typing import Annotated

import typer

from worker.client import Client
from worker.oncall.choosing import Attempt, By, Deed, DryRun, Note, References, Request, act
from worker.oncall.stop import MISUSED, Stop
from worker.operations.states import LIVE, TERMINAL, State

_WAITING = frozenset({State.WAITING_FOR_PERSON})
_ONLY_WAITING = "only what waits for a person can be"
_VERDICTS = tuple(sorted(state.value for state in TERMINAL))


def resume(
    references: References,
    note: Note,
    provider_ref: Annotated[
        str, typer.Option(help="The provider's id of the attempt. For one REFERENCE.")
    ] = "",
    by: By = "",
    attempt: Attempt = None,
    dry_run: DryRun = False,
) -> None:
    """Let the same attempt go on where it was before it began to wait.

    With --provider-ref, a submit whose reply was lost goes on as one that the provider took.
    """
    if provider_ref and len(set(references)) > 1:
        raise Stop(MISUSED, ["--provider-ref: goes with one REFERENCE only"])

    def ask(client: Client, reference: str, attempt: int, by: str, note: str) -> None:
        client.resume(reference, attempt, by, note, provider_ref or None)

    deed = Deed(
        name="resume",
        allowed=_WAITING,
        only=f"{_ONLY_WAITING} resumed",
        outcome=lambda row: f"go on with attempt {row.attempt}",
        ask=ask,
    )
    act(Request(references, note, by, attempt, dry_run), deed)


def resolve(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE")],
    verdict: Annotated[str, typer.Argument(metavar="VERDICT", help=", ".join(_VERDICTS))],
    note: Note,
    by: By = "",
    attempt: Attempt = None,
    dry_run: DryRun = False,
) -> None:
    """Write down the verdict that you found out, and tell it to the marketplace."""
    if verdict not in _VERDICTS:
        raise Stop(MISUSED, [f"VERDICT: must be one of {', '.join(_VERDICTS)}"])

    def ask(client: Client, reference: str, attempt: int, by: str, note: str) -> None:
        client.resolve(reference, attempt, verdict, by, note)

    deed = Deed(
        name="resolve",
        allowed=_WAITING,
        only=f"{_ONLY_WAITING} resolved",
        outcome=lambda row: f"end attempt {row.attempt} as {verdict}",
        ask=ask,
    )
    act(Request([reference], note, by, attempt, dry_run), deed)


def cancel(
    references: References,
    note: Note,
    by: By = "",
    attempt: Attempt = None,
    dry_run: DryRun = False,
) -> None:
    """Call operations off. What the provider has begun goes on there."""

    def ask(client: Client, reference: str, attempt: int, by: str, note: str) -> None:
        client.cancel(reference, attempt, by, note)

    deed = Deed(
        name="cancel",
        allowed=LIVE,
        only="it has ended, and cannot be cancelled",
        outcome=lambda row: f"cancel attempt {row.attempt}",
        ask=ask,
    )
    act(Request(references, note, by, attempt, dry_run), deed)
