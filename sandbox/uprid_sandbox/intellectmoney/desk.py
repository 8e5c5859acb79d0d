"""Decides what every request gets. Knows no language; of HTTP only the two headers."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from uprid_sandbox.answers import html_page
from uprid_sandbox.calls import Tallies
from uprid_sandbox.intellectmoney.acts import FAILED, UNAUTHENTICATED
from uprid_sandbox.intellectmoney.counter import Counter, Said
from uprid_sandbox.intellectmoney.eshop_desk import EshopDesk
from uprid_sandbox.intellectmoney.login_desk import LoginDesk
from uprid_sandbox.intellectmoney.methods import INVOICES, LIST, TOKEN, WRITE
from uprid_sandbox.intellectmoney.object_desk import ObjectDesk
from uprid_sandbox.intellectmoney.queue import Queue
from uprid_sandbox.intellectmoney.requests import Request
from uprid_sandbox.intellectmoney.schedule import Schedule
from uprid_sandbox.intellectmoney.signing import is_bearer, is_signed
from uprid_sandbox.intellectmoney.tokens import Tokens
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


class _Room(Protocol):
    """A desk behind the check of the UserToken."""

    def arrive(self, request: Request) -> None: ...
    def subject(self, request: Request) -> str: ...
    def token_calls(self, request: Request) -> int | None: ...
    def serve(self, request: Request) -> Said: ...


class Responder:
    """IntellectMoney's front desk."""

    def __init__(self, world: World, calls: Tallies, outage: Outage) -> None:
        options, clock = world.options, world.clock
        self._options: SandboxOptions = options
        self._calls = calls
        self._outage = outage
        self._queue = Queue(options.delay, clock)
        self._counter = Counter(self._queue)
        self._tokens = Tokens(options.intellectmoney_token_lifetime, clock)
        self._logins = LoginDesk(options, self._counter, self._tokens)
        self._eshops = EshopDesk(self._counter, calls)
        self._objects = ObjectDesk(self._counter, Schedule(options.delay, clock), calls)
        self._rooms: dict[str, _Room] = {
            INVOICES.kind: self._eshops,
            WRITE.kind: self._objects,
            LIST.kind: self._objects,
        }

    def answer(self, request: Request, headers: Headers, operation_id: str) -> Said:
        """Return what a request gets, and count it; an `OperationId` is the result path's."""
        self._calls.count(request.method.kind)
        room = self._rooms.get(request.method.kind)
        if room is not None:
            room.arrive(request)
        refusal = self._sickness() or self._objection(request, headers, room)
        if refusal is not None:
            return refusal
        if room is not None:
            return room.serve(request)
        if request.method is TOKEN:
            return self._logins.serve(request)
        return self._counter.result(operation_id)

    def refuse(self, violation: Violation) -> Said:
        """Return what an invalid request gets, and count it."""
        self._calls.count("invalid")
        return self._sickness() or self._counter.say(FAILED, str(violation))

    def forget(self) -> None:
        """Forget all that was asked for, queued, stored and handed out."""
        for each in (self._queue, self._logins, self._eshops, self._objects):
            each.clear()

    def _sickness(self) -> Said | None:
        if self._outage.mode is Mode.CREDENTIALS:
            return self._counter.say(UNAUTHENTICATED)
        return self._outage.symptom(_NO_BEARER)

    def _objection(self, request: Request, headers: Headers, room: _Room | None) -> Said | None:
        bearer = self._options.intellectmoney_bearer_token
        if bearer is not None and not is_bearer(headers.authorization, bearer):
            self._calls.count("unauthenticated")
            return _NO_BEARER
        key = self._options.intellectmoney_sign_secret_key
        signed = key is None or is_signed(headers.sign, request, key)
        if signed and (request.method is TOKEN or self._is_token_good(request, room)):
            return None
        self._calls.count("unauthenticated")
        return self._counter.say(UNAUTHENTICATED)

    def _is_token_good(self, request: Request, room: _Room | None) -> bool:
        token = request.text("UserToken")
        if room is None:
            return self._tokens.spend(token, request.method.kind, None)
        return self._tokens.spend(token, room.subject(request), room.token_calls(request))
