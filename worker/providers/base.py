"""What the plugins of all providers have in common: one base class, made once and closed once."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar

from pydantic import BaseModel

from config.polling import PollPolicy
from config.providers import ProviderSettings
from uprid_client.contract.given import WRITING, Writing
from uprid_client.contract.person import SNILS_CHECKSUM
from uprid_client.contract.validating import both, validated
from uprid_client.errors import Refused
from uprid_client.names import Provider
from worker.domain.outcomes import Outcome, Pending, Prepared
from worker.domain.start_data import StartData
from worker.providers.health import check_host, look
from worker.providers.limits import limits_of
from worker.providers.protocol import Finding, Limits, Work
from worker.providers.transport.http import PinnedSession

SettingsT = TypeVar("SettingsT", bound=ProviderSettings)
Payload = Mapping[str, Any] | None


class ProviderPlugin(ABC, Generic[SettingsT]):
    """A provider's plugin: `Plugin` but for what differs from provider to provider.

    By default its submit is one call, nothing is prepared, and no input is expected. Make it after
    a fork, and close it when the process stops.
    """

    #: Which provider this is.
    provider: ClassVar[Provider]
    #: The model of a start message's arguments (without its reference), by the kind of operation.
    arguments: ClassVar[Mapping[str, type[BaseModel]]]
    #: What the model of `arguments` is validated with, beside what every provider's is.
    context: Mapping[str, Any]

    def __init__(self, settings: SettingsT, session: PinnedSession) -> None:
        """Take over `session`: it is closed with the plugin."""
        self._settings: Final = settings
        self._session: Final = session
        self._limits: Final = limits_of(settings)
        self.context = {SNILS_CHECKSUM: settings.snils_checksum}

    @property
    def name(self) -> Provider:
        """The provider's name."""
        return self.provider

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
    ) -> StartData:
        """Validate a start message (without its reference)."""
        model = self.arguments.get(kind)
        if model is None:
            kinds = ", ".join(self.arguments)
            several = "one of " if len(self.arguments) > 1 else ""
            message = f"kind must be {several}{kinds}"
            raise Refused(message, ["kind"])
        args, person = both(
            lambda: validated(model, dict(arguments), "arguments", self.context),
            lambda: self.start_payload(payload, writing),
        )
        clear = args.model_dump(exclude_none=True)
        return StartData(kind, clear, person, self.subject_of(person))

    def correct(
        self,
        kind: str,
        args: Mapping[str, Any],
        payload: object,
        writing: Writing = Writing.TODAYS,
    ) -> StartData:
        """Validate corrected data for a next attempt."""
        person = self.payload_of(payload, writing)
        return StartData(kind, args, person, self.subject_of(person))

    @abstractmethod
    def payload_of(self, payload: object | None, writing: Writing) -> Payload:
        """Return the sealed data, validated and in canonical writing; raise `Refused`."""

    def start_payload(self, payload: object | None, writing: Writing) -> Payload:
        """Return the sealed data of a start: the same, unless a provider may do without them."""
        return self.payload_of(payload, writing)

    def subject_of(self, payload: Payload) -> str | None:
        """Return who the provider's notifications will speak of: they speak of no person."""
        del payload
        return None

    @abstractmethod
    def give_up_after(self, kind: str) -> float:
        """Return the seconds after which a submit that never got through is given up."""

    def resumed_for(self, kind: str, *, submitted: bool) -> float | None:
        """Return the same time as for a new attempt."""
        del submitted
        return self.give_up_after(kind)

    def last_look_before(self, deadline_in: float) -> float | None:
        """Return None: an attempt that is past its deadline is asked about anyhow."""
        del deadline_in
        return None

    def prepares(self, kind: str, progress: Mapping[str, Any]) -> bool:
        """Return False: nothing comes before the submit."""
        del kind, progress
        return False

    def prepare(self, work: Work) -> Outcome:
        """Return at once: no preparation needed."""
        return Prepared("nothing to prepare", work.progress, calls=0)

    def supply(self, work: Work) -> Outcome:
        """Return at once: no input expected."""
        del work
        return Pending("no input is wanted", calls=0)

    def carry_over(
        self, kind: str, progress: Mapping[str, Any], *, next_attempt: bool
    ) -> Mapping[str, Any]:
        """Return nothing: earlier counts do not matter."""
        del kind, progress, next_attempt
        return {}

    def look(self) -> Outcome:
        """Ask the host for nothing in particular."""
        return look(self._session.probe)

    def check(self) -> list[Finding]:
        """Look at settings, reachability and clock; sends no credentials."""
        return [*self.check_settings(), *check_host(self.name.value, self._session)]

    @abstractmethod
    def check_settings(self) -> list[Finding]:
        """Look at the settings alone."""

    def settings_finding(self, errors: list[str], sound: str = "in order") -> Finding:
        """Return the line of `uprid doctor` for these errors; `sound` where there are none."""
        return Finding(f"{self.name.value} settings", not errors, "; ".join(errors) or sound)

    def _person(
        self,
        model: type[BaseModel],
        payload: object | None,
        whole: str,
        writing: Writing,
    ) -> dict[str, Any]:
        """Return a person's data as `model` reads them; `whole` is what a refusal calls them."""
        person = validated(model, payload, whole, {**self.context, WRITING: writing})
        return person.model_dump(exclude_none=True)
