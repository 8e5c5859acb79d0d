"""IntellectMoney as the engine sees it."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from pydantic import BaseModel

from config.polling import PollPolicy
from config.providers import IntellectMoneySettings
from config.queues import Provider
from uprid_client.contract.given import Writing
from uprid_client.contract.intellectmoney import (
    STATE_ASKED,
    InvoicesArguments,
    ListArguments,
    SaveArguments,
)
from uprid_client.contract.validating import both, validated
from worker.domain.errors import Refused
from worker.domain.intake import Intake
from worker.domain.outcomes import Outcome, Pending
from worker.providers.base import Finding, Limits, Work
from worker.providers.health import check_host, look
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.invoices import Invoices
from worker.providers.intellectmoney.saving import Saving, Siblings
from worker.providers.intellectmoney.scheduled import ScheduledOperations
from worker.providers.intellectmoney.signature import signs_state
from worker.providers.intellectmoney.tokens import Tokens, TokenShelf
from worker.providers.limits import limits_of
from worker.providers.transport.pin import Pin
from worker.providers.transport.sessions import session_of

INVOICES: Final = "invoices"
LIST: Final = "scheduled_operations"
SAVE: Final = "save_scheduled_operation"
_ARGUMENTS: Final[Mapping[str, type[BaseModel]]] = {
    INVOICES: InvoicesArguments,
    LIST: ListArguments,
    SAVE: SaveArguments,
}
_NAME: Final = "intellectmoney"


class Flow(Protocol):
    """How one kind of operation goes."""

    def prepares(self, progress: Mapping[str, Any]) -> bool:
        """As the plugin's."""

    def prepare(self, work: Work) -> Outcome:
        """As the plugin's."""

    def submit(self, work: Work) -> Outcome:
        """As the plugin's."""

    def clear_up(self, work: Work) -> Outcome:
        """As the plugin's."""

    def poll(self, work: Work) -> Outcome:
        """As the plugin's."""

    def settle(self, work: Work) -> Outcome:
        """As the plugin's."""

    def kept(self, progress: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what of `progress` stays where a person has the attempt go on."""


class IntellectMoneyPlugin:
    """Registries and scheduled operations through IntellectMoney's personal API.

    Make it after a fork. `shelf` is where the workers keep their token, `siblings` knows what they
    have sent beside an operation.
    """

    def __init__(
        self,
        settings: IntellectMoneySettings,
        shelf: TokenShelf,
        siblings: Siblings | None = None,
    ) -> None:
        self._settings = settings
        self._limits = limits_of(settings)
        self._session = session_of(settings, reply_limit=settings.reply_limit)
        client = Client(self._session, settings)
        tokens = Tokens(
            client,
            shelf,
            settings.poll,
            lasting=settings.token_ttl.total_seconds(),
            longest_fetch=self._limits.total_timeout,
        )
        parts = (client, tokens, settings.poll, settings.date_format)
        self._flows: Mapping[str, Flow] = {
            INVOICES: Invoices(*parts),
            LIST: ScheduledOperations(*parts),
            SAVE: Saving(*parts, siblings),
        }
        asked = settings.signs is None or signs_state(settings.state_signed_after)
        self._context = {STATE_ASKED: asked}

    @property
    def name(self) -> Provider:
        """Which provider this is."""
        return Provider.INTELLECTMONEY

    @property
    def policy(self) -> PollPolicy:
        """The poll schedule."""
        return self._settings.poll

    @property
    def limits(self) -> Limits:
        """How hard it may be worked."""
        return self._limits

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def accept(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        payload: object | None,
        writing: Writing = Writing.TODAYS,
    ) -> Intake:
        """Validate a start message (without its reference): all of it is in clear."""
        del writing  # All of them write it alike.
        model = _ARGUMENTS.get(kind)
        if model is None:
            message = f"kind must be one of {', '.join(_ARGUMENTS)}"
            raise Refused(message, ["kind"])
        args, _ = both(
            lambda: validated(model, dict(arguments), "arguments", self._context),
            lambda: _refuse_sealed(payload),
        )
        return Intake(kind, args.model_dump(exclude_none=True), None)

    def correct(
        self,
        kind: str,
        args: Mapping[str, Any],
        payload: object,
        writing: Writing = Writing.TODAYS,
    ) -> Intake:
        """Refuse: nothing was sealed that could be corrected."""
        del writing
        _refuse_sealed(payload)
        return Intake(kind, args, None)

    def give_up_after(self, kind: str) -> float:
        """Return the deadline that the settings have, in seconds."""
        del kind
        return self._settings.deadline.total_seconds()

    def resumed_for(self, kind: str, *, submitted: bool) -> float:
        """Return as long as at first: its queue is to be asked again, and its list."""
        del submitted
        return self.give_up_after(kind)

    def last_look_before(self, deadline_in: float) -> float | None:
        """Have none: at the deadline everything is asked once more."""
        del deadline_in
        return None

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:
        """Tell whether a read comes next: for ever, where the operation is one."""
        return self._flows[kind].prepares(progress)

    def prepare(self, work: Work) -> Outcome:
        """Read what comes first."""
        return self._flows[work.kind].prepare(work)

    def submit(self, work: Work) -> Outcome:
        """Write, where the operation is a write."""
        return self._flows[work.kind].submit(work)

    def supply(self, work: Work) -> Outcome:
        """Wait for nobody's input."""
        del work
        return Pending("no input is wanted", calls=0)

    def keep(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Keep the place where a reading stands; a next attempt begins anew."""
        return {} if next_attempt else self._flows[kind].kept(progress)

    def clear_up(self, work: Work) -> Outcome:
        """Find out what became of a doubtful write."""
        return self._flows[work.kind].clear_up(work)

    def poll(self, work: Work) -> Outcome:
        """Ask for the next page, or again for what is queued."""
        return self._flows[work.kind].poll(work)

    def settle(self, work: Work) -> Outcome:
        """Ask once more, and end."""
        return self._flows[work.kind].settle(work)

    def look(self) -> Outcome:
        """Ask the host for nothing in particular."""
        return look(self._session.probe)

    def check(self) -> list[Finding]:
        """Look at settings, reachability and clock.

        The login is not tried: a new token may end the one that the workers use, and a wrong
        password, asked often enough, may lock the account. No page says.
        """
        return [self._check_settings(), *check_host(_NAME, self._session)]

    def _check_settings(self) -> Finding:
        settings = self._settings
        faults = []
        if self.policy.longest > settings.deadline.total_seconds():
            faults.append("POLL waits longer than DEADLINE")
        if settings.state_signed_after is not None and not signs_state(settings.state_signed_after):
            faults.append("STATE_SIGNED_AFTER names no value that is signed")
        if settings.result_path is not None and not _is_below(settings.url, settings.result_path):
            faults.append("RESULT_PATH is no path below URL")
        return Finding(
            f"{_NAME} settings", not faults, "; ".join(faults) or "in order; the login is not tried"
        )


def _refuse_sealed(payload: object | None) -> None:
    if payload is not None:
        message = "sealed is not taken: everything is given in clear"
        raise Refused(message, ["sealed"])


def _is_below(url: str, template: str) -> bool:
    path = template.format(operation_id="00000000-0000-0000-0000-000000000000")
    return Pin.of(url).below(f"/{path}") is not None
