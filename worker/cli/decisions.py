"""`uprid resume`, `resolve` and `cancel`: an engineer's decisions about operations."""

from typing import Annotated

import typer

from uprid_client import Client
from uprid_client.contract.states import TERMINAL, State
from uprid_client.contract.words import is_provider_ref
from worker.cli.selection import (
    Attempt,
    By,
    Command,
    DryRun,
    Note,
    References,
    Request,
    act,
    is_one,
)
from worker.domain.states import LIVE

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
    """Continue an attempt that waits for a person.

    It continues in the state from which it began to wait. With --provider-ref, a submit whose
    reply was lost continues as one that the provider accepted.
    """
    errors = []
    if provider_ref and not is_one(references):
        errors.append("--provider-ref: goes with one REFERENCE only")
    if provider_ref and not is_provider_ref(provider_ref):
        errors.append("--provider-ref: must be the provider's id, as it stands there")

    def ask(client: Client, reference: str, attempt: int, by: str, note: str) -> None:
        client.resume(reference, attempt, by, note, provider_ref or None)

    command = Command(
        allowed=_WAITING,
        only=f"{_ONLY_WAITING} resumed",
        outcome=lambda row: f"go on with attempt {row.attempt}",
        ask=ask,
    )
    act(Request(references, note, by, attempt, dry_run, tuple(errors)), command)


def resolve(
    references: References,
    verdict: Annotated[str, typer.Argument(metavar="VERDICT", help=", ".join(_VERDICTS))],
    note: Note,
    by: By = "",
    attempt: Attempt = None,
    dry_run: DryRun = False,
) -> None:
    """End an attempt that waits, with the verdict that you found out."""
    wrong = () if verdict in _VERDICTS else (f"VERDICT: must be one of {', '.join(_VERDICTS)}",)

    def ask(client: Client, reference: str, attempt: int, by: str, note: str) -> None:
        client.resolve(reference, attempt, verdict, by, note)

    command = Command(
        allowed=_WAITING,
        only=f"{_ONLY_WAITING} resolved",
        outcome=lambda row: f"end attempt {row.attempt} as {verdict}",
        ask=ask,
    )
    act(Request(references, note, by, attempt, dry_run, wrong), command)


def cancel(
    references: References,
    note: Note,
    by: By = "",
    attempt: Attempt = None,
    dry_run: DryRun = False,
) -> None:
    """Cancel operations. What the provider has begun goes on there."""

    def ask(client: Client, reference: str, attempt: int, by: str, note: str) -> None:
        client.cancel(reference, attempt, by, note)

    command = Command(
        allowed=LIVE,
        only="it has ended, and cannot be cancelled",
        outcome=lambda row: f"cancel attempt {row.attempt}",
        ask=ask,
    )
    act(Request(references, note, by, attempt, dry_run), command)
