"""Puts Mandarin's stand-in together."""

from typing import Final

from uprid_sandbox.mandarin.handler import SessionHandler, SessionsHandler
from uprid_sandbox.mandarin.responder import Responder, session_log
from uprid_sandbox.mandarin.sessions import SessionBook
from uprid_sandbox.mandarin.xauth import Gate
from uprid_sandbox.outages import Outage
from uprid_sandbox.standin import StandIn
from uprid_sandbox.world import World

_PATH: Final = "/api/personidentification"


def mandarin_stand_in(world: World) -> StandIn:
    """Return a stand-in as new, with no sessions."""
    options = world.options
    gate = Gate(options.mandarin_merchant_id, options.mandarin_secret)
    book = SessionBook(options.delay, options.mandarin_code_delay, world.clock)
    calls, outage = session_log(), Outage()
    responder = {"responder": Responder(gate, book, calls, outage)}
    return StandIn(
        name="mandarin",
        routes=[
            (_PATH, SessionsHandler, responder),
            (f"{_PATH}/([^/]+)", SessionHandler, responder),
        ],
        calls=calls,
        outage=outage,
        # A request id stays used: its digest would still be good.
        forget=book.clear,
    )
