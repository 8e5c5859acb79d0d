"""NPD's API: one short method an endpoint.

Every body holds our key and the person: a body never reaches a log, an exception's text or a repr.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from config.providers import NpdSettings
from worker.providers.npd.replies import content_of
from worker.providers.npd.requests import (
    Parameters,
    document_parameters,
    profile_parameters,
    start_parameters,
)
from worker.providers.npd.signature import KEY, signature_of
from worker.providers.npd.types import Document, Method, Refusal, Task, Unlike, Updated
from worker.providers.transport.http import PinnedSession, Reply

#: The page names no type; a form is what such parameters come in. A guess.
CONTENT_TYPE: Final = "application/x-www-form-urlencoded"


class NpdClient:
    """Asks NPD. Every method raises `CallFailed` where no usable reply came."""

    def __init__(self, session: PinnedSession, settings: NpdSettings) -> None:
        self._session = session
        self._key = settings.security_key.get_secret_value()
        self._secret = settings.secret_key.get_secret_value()
        self._signed = settings.signed_fields

    def update_profile(self, payload: Mapping[str, Any]) -> Updated | Refusal | Unlike:
        """Store name, birth date and SNILS. May be repeated."""
        reply = self._send(Method.PROFILE, profile_parameters(payload))
        return content_of(reply, Method.PROFILE, Updated)

    def update_document(self, payload: Mapping[str, Any]) -> Document | Refusal | Unlike:
        """Store the passport. May be repeated."""
        reply = self._send(Method.DOCUMENT, document_parameters(payload))
        return content_of(reply, Method.DOCUMENT, Document)

    def start(self, payload: Mapping[str, Any]) -> Task | Refusal | Unlike:
        """Start the identification of the person with this phone. Never repeat it in doubt."""
        reply = self._send(Method.START, start_parameters(payload))
        return content_of(reply, Method.START, Task)

    def _send(self, method: Method, parameters: Parameters) -> Reply:
        signature = signature_of(parameters, self._secret, self._signed)
        form = urlencode({KEY: self._key, **parameters, "signature": signature})
        return self._session.exchange_at("POST", f"/{method}", form.encode(), CONTENT_TYPE)
