"""The languages that MONETA speaks at its one address: two ways to ask, one kind of answers."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from zeep.wsse.username import UsernameToken

from config.providers import MonetaSettings
from worker.providers.moneta.json_client import JsonClient
from worker.providers.moneta.soap_client import SoapClient
from worker.providers.moneta.types import Holding, Task
from worker.providers.transport.http import PinnedSession


class Transport(Protocol):
    """Asks MONETA. Every method raises `CallFailed` where no usable reply came."""

    def submit(self, unit_id: int, payload: Mapping[str, Any] | None) -> Task:
        """Start an identification; without a payload of the unit's stored data."""

    def status(self, async_id: int, is_tied: Callable[[Task], bool]) -> tuple[Task, int]:
        """Ask how a task stands, and say in how many questions.

        An answer that is not `is_tied` to the question is asked for on a connection of its own.
        """

    def profile(self, unit_id: int, is_tied: Callable[[Holding], bool]) -> tuple[Holding, int]:
        """Ask likewise what MONETA holds of a unit."""


def open_transport(settings: MonetaSettings, session: PinnedSession) -> Transport:
    """Return the transport that the settings choose.

    zeep is imported whichever that is: beside all that a worker loads it is 30 ms and 2 MB, not
    worth an import inside a function.
    """
    username, password = settings.username, settings.password.get_secret_value()
    if settings.transport == "soap":
        login = UsernameToken(username, password)
        return SoapClient(session, settings.url, login, settings.callback_url)
    return JsonClient(session, username, password, settings.callback_url)
