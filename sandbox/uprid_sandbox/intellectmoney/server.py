"""Between bytes and the responder: reads the form, writes in the language that was asked for."""

from dataclasses import dataclass, field
from typing import Final, assert_never

from uprid_sandbox.answers import Answer, Drop, Hang, Page, html_page
from uprid_sandbox.flaws import spoil
from uprid_sandbox.intellectmoney.acts import Nonsense
from uprid_sandbox.intellectmoney.counter import Decision, Reply
from uprid_sandbox.intellectmoney.languages import Language, language_of, other_than
from uprid_sandbox.intellectmoney.methods import Method
from uprid_sandbox.intellectmoney.requests import Request, is_form, read_request
from uprid_sandbox.intellectmoney.responder import Headers, Responder
from uprid_sandbox.intellectmoney.violations import Violation

_NO_FORM: Final = html_page(415, "Unsupported Media Type")


@dataclass(frozen=True, slots=True)
class Letter:
    """What came over HTTP."""

    content_type: str | None
    accept: str | None
    headers: Headers
    body: bytes = field(repr=False)
    #: From the result path; empty elsewhere.
    operation_id: str


class Server:
    """Opens letters for the responder."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    def answer(self, method: Method, letter: Letter) -> Answer:
        """Return what is to be done to a request."""
        if not is_form(letter.content_type):
            return _NO_FORM
        try:
            request = read_request(method, letter.body)
            _check_id(request, letter.operation_id)
        except Violation as violation:
            decision = self._responder.refuse(violation)
        else:
            decision = self._responder.answer(request, letter.headers, letter.operation_id)
        return _put(decision, language_of(letter.accept))


def _check_id(request: Request, operation_id: str) -> None:
    if request.values.get("OperationId", operation_id) != operation_id:
        raise Violation("OperationId", "is not the address's")


def _put(decision: Decision, language: Language) -> Answer:
    match decision:
        case Reply(content, flaw, flipped):
            page = (other_than(language) if flipped else language).write(content)
            return page if flaw is None else spoil(flaw, page)
        case Nonsense():
            return _babble(decision, language)
        case Page() | Drop() | Hang():
            return decision
        case _:
            assert_never(decision)


def _babble(nonsense: Nonsense, language: Language) -> Page:
    match nonsense:
        case Nonsense.GARBAGE:
            return Page(200, b"\x00\xff{]<", language.content_type)
        case Nonsense.EMPTY:
            return Page(200, b"", language.content_type)
        case Nonsense.STRANGER:
            return language.stranger()
        case Nonsense.HOSTILE:
            return language.hostile()
        case _:
            assert_never(nonsense)
