"""The one address: finds the language of a request and answers in it."""

from typing import Final, assert_never

from uprid_sandbox.answers import Answer, Drop, Hang, Page
from uprid_sandbox.flaws import spoil
from uprid_sandbox.moneta.acts import Nonsense
from uprid_sandbox.moneta.json_language import JsonLanguage
from uprid_sandbox.moneta.languages import Language, check_content_type, media_type_of
from uprid_sandbox.moneta.messages import Fault, Reply
from uprid_sandbox.moneta.responder import Decision, Responder, SpoiltMessage
from uprid_sandbox.moneta.soap_language import SoapLanguage
from uprid_sandbox.strict import Violation

_JSON: Final = JsonLanguage()
_SOAP: Final = SoapLanguage()


class Server:
    """Between bytes and the responder."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    def answer(self, content_type: str | None, body: bytes) -> Answer:
        """Return what is to be done to a request."""
        language = language_of(content_type)
        try:
            check_content_type(content_type, language)
            decision = self._responder.answer(language.open(body), language.name)
        except Violation as violation:
            decision = self._responder.refuse(violation)
        return _put(decision, language)


def language_of(content_type: str | None) -> Language:
    """Return the language that a content type names; what names none is refused in JSON."""
    return _SOAP if media_type_of(content_type) == _SOAP.media_type else _JSON


def _put(decision: Decision, language: Language) -> Answer:
    match decision:
        case Reply() | Fault():
            return language.write(decision)
        case SpoiltMessage(flaw, message):
            return spoil(flaw, language.write(message))
        case Nonsense():
            return language.babble(decision)
        case Page() | Drop() | Hang():
            return decision
        case _:
            assert_never(decision)
