"""IntellectMoney's personal API: one short method a request.

Every call is a POST: in a GET the password, or the UserToken, would stand in an address. Bodies
reach no log, no exception's text and no repr.
"""

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

from config.providers import IntellectMoneySettings
from worker.domain.invoices import Invoice
from worker.providers.intellectmoney import parsing
from worker.providers.intellectmoney.answers import Answer, Done, Failed, Queued, Scheduled, Unlike
from worker.providers.intellectmoney.parsing import Pick
from worker.providers.intellectmoney.requests import Method, order_of, sign
from worker.providers.transport.http import PinnedSession

CONTENT_TYPE: Final = "application/x-www-form-urlencoded; charset=utf-8"

T = TypeVar("T")


class Client:
    """Asks IntellectMoney. Every method raises `CallFailed` where no usable reply came."""

    def __init__(self, session: PinnedSession, settings: IntellectMoneySettings) -> None:
        self._session = session
        self._login = {
            "Login": settings.login,
            "Password": settings.password.get_secret_value(),
        }
        self._headers = _headers(settings)
        self._state_signed_after = settings.state_signed_after
        signs = settings.signs
        self._key = None if signs is None else signs.get_secret_value()
        self._result_path = settings.result_path

    @property
    def fetches_results(self) -> bool:
        """Whether the result of a queued operation can be asked for by its id."""
        return self._result_path is not None

    def user_token(self) -> Answer[str]:
        """Ask for a UserToken."""
        return self._call(Method.TOKEN, self._login, parsing.access_token_in)

    def invoices(self, access_token: str, asked: Mapping[str, str]) -> Answer[tuple[Invoice, ...]]:
        """Ask for a page of the registry."""
        return self._call(Method.INVOICES, _with(access_token, asked), parsing.invoices_in)

    def scheduled(
        self, access_token: str, asked: Mapping[str, str]
    ) -> Answer[tuple[Scheduled, ...]]:
        """Ask for a page of the scheduled operations."""
        return self._call(Method.LIST, _with(access_token, asked), parsing.scheduled_in)

    def save(self, access_token: str, change: Mapping[str, str]) -> Answer[bool]:
        """Create or edit a scheduled operation. The one call that has an effect."""
        return self._call(Method.SAVE, _with(access_token, change), parsing.saved_in)

    def result(self, access_token: str, operation_id: str, pick: Pick[T]) -> Answer[T]:
        """Ask for the result of a queued operation.

        The method is documented nowhere: its path is a setting, that it takes the UserToken is a
        guess, and it is not signed, as the order of its values is not known. A reply that names
        another operation is none.
        """
        path = (self._result_path or "").format(operation_id=quote(operation_id, safe=""))
        reply = self._send(f"/{path}", {"UserToken": access_token}, self._headers, pick)
        if isinstance(reply, Done | Queued | Failed) and reply.operation_id not in {
            None,
            operation_id.lower(),
        }:
            return Unlike("another operation's result", reply.answer)
        return reply

    def _call(self, method: Method, values: Mapping[str, str], pick: Pick[T]) -> Answer[T]:
        headers = self._headers
        if self._key is not None:
            order = order_of(method, values, self._state_signed_after)
            headers = {**headers, "Sign": sign(order, values, self._key)}
        return self._send(f"/{method}", values, headers, pick)

    def _send(
        self, path: str, values: Mapping[str, str], headers: Mapping[str, str], pick: Pick[T]
    ) -> Answer[T]:
        body = urlencode(values).encode("ascii")
        reply = self._session.exchange_at("POST", path, body, CONTENT_TYPE, headers)
        return parsing.answer_of(reply, pick)


def _with(access_token: str, values: Mapping[str, str]) -> dict[str, str]:
    return {"UserToken": access_token, **values}


def _headers(settings: IntellectMoneySettings) -> dict[str, str]:
    headers = {"Accept": f"text/{settings.format}"}
    if settings.bearer_token is not None:
        bearer = settings.bearer_token.get_secret_value()
        # A header's bytes are Latin-1 to the library: what is not must not raise there.
        headers["Authorization"] = f"Bearer {bearer}".encode().decode("latin-1")
    return headers
