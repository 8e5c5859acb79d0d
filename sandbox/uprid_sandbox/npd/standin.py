"""Puts the stand-in of the API for the self-employed together."""

from functools import partial

from uprid_sandbox.bell import send
from uprid_sandbox.npd.acts import Method
from uprid_sandbox.npd.handler import MethodHandler
from uprid_sandbox.npd.notifications import NotificationBoard, send_nothing
from uprid_sandbox.npd.responder import Responder, phone_log
from uprid_sandbox.outages import Outage
from uprid_sandbox.standin import StandIn
from uprid_sandbox.world import World


def npd_stand_in(world: World) -> StandIn:
    """Return a new stand-in, which knows no person. Its tasks and units are MONETA's."""
    url = world.options.notify_url
    messenger = send_nothing if url is None else partial(send, url)
    board = NotificationBoard(world.options.delay, world.clock, messenger)
    calls, outage = phone_log(), Outage()
    responder = Responder(world.options, world.book, board, calls, outage)
    return StandIn(
        name="npd",
        routes=[
            (f"/{method}", MethodHandler, {"responder": responder, "method": method})
            for method in Method
        ],
        calls=calls,
        outage=outage,
        forget=responder.clear,
        notifications=board.as_json,
    )
