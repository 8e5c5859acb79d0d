"""Decides what every request gets. Knows no language; of HTTP only the two headers."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from uprid_sandbox.answers import html_page
from uprid_sandbox.calls import Tallies
from uprid_sandbox.intellectmoney.acts import FAILED, UNAUTHENTICATED
from uprid_sandbox.intellectmoney.counter import Counter, Decision
from uprid_sandbox.intellectmoney.eshop_responder import EshopResponder
from uprid_sandbox.intellectmoney.login_responder import LoginResponder
from uprid_sandbox.intellectmoney.methods import INVOICES, LIST, TOKEN, WRITE
from uprid_sandbox.intellectmoney.object_responder import ObjectResponder
from uprid_sandbox.intellectmoney.queue import Queue
from uprid_sandbox.intellectmoney.requests import Request
from uprid_sandbox.intellectmoney.schedule import Schedule
from uprid_sandbox.intellectmoney.signing import is_bearer, is_signed
from uprid_sandbox.intellectmoney.user_tokens import UserTokens
from uprid_sandbox.intellectmoney.violations import Violation
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.outages import Mode, Outage
from uprid_sandbox.world import World

# A guess: bearer tokens are checked before the API, signatures in it.
_NO_BEARER: Final = html_page(401, "Unauthorized")


@dataclass(frozen=True, slots=True)
class Headers:
    """What the newer API asks for. The old one looks at neither."""

    authorization: str | None = field(repr=False)
    sign: str | None = field(repr=False)


class _TokenResponder(Protocol):
    """A responder behind the check of the UserToken."""

    def arrive(self, request: Request) -> None: ...
    def subject(self, request: Request) -> str: ...
    def token_calls(self, request: Request) -> int | None: ...
    def serve(self, request: Request) -> Decision: ...


class Responder:
    """Decides for IntellectMoney."""

    def __init__(self, world: World, calls: Tallies, outage: Outage) -> None:
        options, clock = world.options, world.clock
        self._options: SandboxOptions = options
        self._calls = calls
        self._outage = outage
        self._queue = Queue(options.delay, clock)
        self._counter = Counter(self._queue)
        self._user_tokens = UserTokens(options.intellectmoney_token_lifetime, clock)
        self._logins = LoginResponder(options, self._counter, self._user_tokens)
        self._eshops = EshopResponder(self._counter, calls)
        self._objects = ObjectResponder(self._counter, Schedule(options.delay, clock), calls)
        self._responders: dict[str, _TokenResponder] = {
            INVOICES.kind: self._eshops,
            WRITE.kind: self._objects,
            LIST.kind: self._objects,
        }

    def answer(self, request: Request, headers: Headers, operation_id: str) -> Decision:
        """Return what a request gets, and count it; an `OperationId` is the result path's."""
        self._calls.count(request.method.kind)
        responder = self._responders.get(request.method.kind)
        if responder is not None:
            responder.arrive(request)
        refusal = self._sickness() or self._objection(request, headers, responder)
        if refusal is not None:
            return refusal
        if responder is not None:
            return responder.serve(request)
        if request.method is TOKEN:
            return self._logins.serve(request)
        return self._counter.result(operation_id)

    def refuse(self, violation: Violation) -> Decision:
        """Return what an invalid request gets, and count it."""
        self._calls.count("invalid")
        return self._sickness() or self._counter.say(FAILED, str(violation))

    def forget(self) -> None:
        """Forget all that was asked for, queued, stored and handed out."""
        for each in (self._queue, self._logins, self._eshops, self._objects):
            each.clear()

    def _sickness(self) -> Decision | None:
        if self._outage.mode is Mode.CREDENTIALS:
            return self._counter.say(UNAUTHENTICATED)
        return self._outage.symptom(_NO_BEARER)

    def _objection(
        self, request: Request, headers: Headers, responder: _TokenResponder | None
    ) -> Decision | None:
        bearer = self._options.intellectmoney_bearer_token
        if bearer is not None and not is_bearer(headers.authorization, bearer):
            self._calls.count("unauthenticated")
            return _NO_BEARER
        key = self._options.intellectmoney_sign_secret_key
        signed = key is None or is_signed(headers.sign, request, key)
        if signed and (request.method is TOKEN or self._is_user_token_good(request, responder)):
            return None
        self._calls.count("unauthenticated")
        return self._counter.say(UNAUTHENTICATED)

    def _is_user_token_good(self, request: Request, responder: _TokenResponder | None) -> bool:
        user_token = request.text("UserToken")
        if responder is None:
            return self._user_tokens.spend(user_token, request.method.kind, None)
        return self._user_tokens.spend(
            user_token, responder.subject(request), responder.token_calls(request)
        )
