"""IntellectMoney as the engine sees it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol

from config.providers import IntellectMoneySettings
from uprid_client.contract.given import Writing
from uprid_client.contract.intellectmoney import (
    STATE_ASKED,
    InvoicesArguments,
    ListArguments,
    SaveArguments,
)
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.outcomes import Outcome
from worker.providers.access_tokens import AccessTokenShelf
from worker.providers.base import Payload, ProviderPlugin
from worker.providers.intellectmoney.access_tokens import AccessTokens
from worker.providers.intellectmoney.client import Client
from worker.providers.intellectmoney.fetching import Invoices, ScheduledOperations
from worker.providers.intellectmoney.requests import signs_state
from worker.providers.intellectmoney.saving import Saving
from worker.providers.protocol import Finding, Work
from worker.providers.resources import Resources, Siblings
from worker.providers.transport.pin import Pin
from worker.providers.transport.sessions import session_of

INVOICES: Final = "invoices"
LIST: Final = "scheduled_operations"
SAVE: Final = "save_scheduled_operation"


class Flow(Protocol):
    """The calls of one kind of operation."""

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

    def carried_over(self, progress: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the part of `progress` that a resumed attempt keeps."""


class IntellectMoneyPlugin(ProviderPlugin[IntellectMoneySettings]):
    """Registries and scheduled operations through IntellectMoney's personal API.

    `shelf` is where the workers keep their access token, `siblings` knows what they have sent
    beside an operation. At its deadline everything is asked once more, so that no last look is
    needed before; a resume has the whole time anew, as queue and list are to be asked again.
    """

    provider = Provider.INTELLECTMONEY
    arguments: ClassVar = {
        INVOICES: InvoicesArguments,
        LIST: ListArguments,
        SAVE: SaveArguments,
    }

    def __init__(
        self,
        settings: IntellectMoneySettings,
        shelf: AccessTokenShelf,
        siblings: Siblings | None = None,
    ) -> None:
        super().__init__(settings, session_of(settings, reply_limit=settings.reply_limit))
        client = Client(self._session, settings)
        access_tokens = AccessTokens(
            client,
            shelf,
            settings.poll,
            lasting=settings.token_ttl.total_seconds(),
            longest_fetch=self._limits.total_timeout,
        )
        parts = (client, access_tokens, settings.poll, settings.date_format)
        self._flows: Mapping[str, Flow] = {
            INVOICES: Invoices(*parts),
            LIST: ScheduledOperations(*parts),
            SAVE: Saving(*parts, siblings),
        }
        asked = settings.signs is None or signs_state(settings.state_signed_after)
        self.context = {STATE_ASKED: asked}

    def payload_of(self, payload: object | None, writing: Writing) -> Payload:
        """Refuse sealed data: everything is given in clear, and no data could be corrected."""
        del writing  # All of them write it alike.
        if payload is not None:
            message = "sealed is not taken: everything is given in clear"
            raise Refused(message, ["sealed"])
        return None

    def give_up_after(self, kind: str) -> float:
        """Return the deadline that the settings have, in seconds."""
        del kind
        return self._settings.deadline.total_seconds()

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:
        """Return whether a read comes next; always, where the operation only reads."""
        return self._flows[kind].prepares(progress)

    def prepare(self, work: Work) -> Outcome:
        """Read what comes first."""
        return self._flows[work.kind].prepare(work)

    def submit(self, work: Work) -> Outcome:
        """Write, where the operation is a write."""
        return self._flows[work.kind].submit(work)

    def carry_over(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Keep the place where a reading stands; a next attempt begins anew."""
        return {} if next_attempt else self._flows[kind].carried_over(progress)

    def clear_up(self, work: Work) -> Outcome:
        """Find out what became of a doubtful write."""
        return self._flows[work.kind].clear_up(work)

    def poll(self, work: Work) -> Outcome:
        """Ask for the next page, or again for what is queued."""
        return self._flows[work.kind].poll(work)

    def settle(self, work: Work) -> Outcome:
        """Ask once more, and end."""
        return self._flows[work.kind].settle(work)

    def check_settings(self) -> list[Finding]:
        """Look at the settings.

        The login is not tried: a new token may end the one that the workers use, and a wrong
        password, asked often enough, may lock the account. No page says.
        """
        settings = self._settings
        errors = []
        if self.policy.longest > settings.deadline.total_seconds():
            errors.append("POLL waits longer than DEADLINE")
        if settings.state_signed_after is not None and not signs_state(settings.state_signed_after):
            errors.append("STATE_SIGNED_AFTER names no value that is signed")
        if settings.result_path is not None and not _is_below(settings.url, settings.result_path):
            errors.append("RESULT_PATH is no path below URL")
        return [self.settings_finding(errors, "in order; the login is not tried")]


def _is_below(url: str, template: str) -> bool:
    path = template.format(operation_id="00000000-0000-0000-0000-000000000000")
    return Pin.of(url).below(f"/{path}") is not None


def open_plugin(settings: IntellectMoneySettings, resources: Resources) -> IntellectMoneyPlugin:
    """Return the provider's plugin."""
    shelf = resources.shelf_of(Provider.INTELLECTMONEY)
    return IntellectMoneyPlugin(settings, shelf, resources.siblings)
