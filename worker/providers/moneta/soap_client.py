"""MONETA.MerchantAPI in SOAP: one short method a request.

Every message holds the password: a message never reaches a log, an exception's text or a repr.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final, TypeVar

from zeep.wsse.username import UsernameToken

from worker.providers.moneta.replies import about_a_task, about_a_unit
from worker.providers.moneta.requests import start_request
from worker.providers.moneta.soap_reader import read_soap
from worker.providers.moneta.types import Holding, Task
from worker.providers.transport.http import PinnedSession, Reply
from worker.providers.transport.soap import SoapService
from worker.providers.transport.tying import tied

T = TypeVar("T")
_BINDING: Final = "{http://www.moneta.ru/services.wsdl}MessagesSoap11"


class SoapClient:
    """Asks MONETA in SOAP. Every method raises `CallFailed` where no usable reply came.

    The password goes as text, with neither nonce nor time: MONETA takes no other form.
    """

    def __init__(
        self, session: PinnedSession, url: str, login: UsernameToken, callback_url: str | None
    ) -> None:
        wsdl = files(__package__).joinpath("merchant.wsdl").read_bytes()
        self._service = SoapService(wsdl, _BINDING, url, session, login)
        self._callback_url = callback_url
        self._poll = self._service.numbered("Async", "asyncId")
        self._profile = self._service.numbered("GetProfileInfo", "unitId")

    def submit(self, unit_id: int, payload: Mapping[str, Any] | None) -> Task:
        """Start an identification; without a payload of the unit's stored data."""
        asked = start_request(unit_id, payload, self._callback_url)
        return about_a_task(self._service.call("Async", **asked), read_soap)

    def status(self, async_id: int, is_tied: Callable[[Task], bool]) -> tuple[Task, int]:
        """Ask how a task stands."""
        asked = self._poll.of(async_id)
        return self._ask(asked, lambda reply: about_a_task(reply, read_soap), is_tied)

    def profile(self, unit_id: int, is_tied: Callable[[Holding], bool]) -> tuple[Holding, int]:
        """Ask what MONETA holds of a unit."""
        asked = self._profile.of(unit_id)
        return self._ask(asked, lambda reply: about_a_unit(reply, read_soap), is_tied)

    def _ask(
        self, message: bytes, read: Callable[[Reply], T], is_tied: Callable[[T], bool]
    ) -> tuple[T, int]:
        service = self._service
        return tied(
            lambda: service.poll(message), lambda: service.poll_apart(message), read, is_tied
        )
