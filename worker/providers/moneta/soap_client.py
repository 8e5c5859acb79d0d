"""MONETA.MerchantAPI in SOAP: one short method a request.

Every message holds the password: a message never reaches a log, an exception's text or a repr.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from zeep.wsse.username import UsernameToken

from worker.providers.http import PinnedSession
from worker.providers.moneta.asking import about_a_task, about_a_unit
from worker.providers.moneta.requests import start_request
from worker.providers.moneta.soap_reader import read_soap
from worker.providers.moneta.types import Fault, Profile, Task, Unlike
from worker.providers.soap import SoapService

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

    def status(self, async_id: int) -> Task:
        """Ask how a task stands."""
        return about_a_task(self._service.poll(self._poll.of(async_id)), read_soap)

    def profile(self, unit_id: int) -> Fault | Profile | Unlike:
        """Ask what MONETA holds of a unit."""
        return about_a_unit(self._service.poll(self._profile.of(unit_id)), read_soap)
