"""Puts the stand-in of the API for the self-employed together."""

from functools import partial

from worker.sandbox.bell import send
from worker.sandbox.npd.acts import Method
from worker.sandbox.npd.desk import Desk, phone_log
from worker.sandbox.npd.handler import MethodHandler
from worker.sandbox.npd.notices import NoticeBoard, send_nothing
from worker.sandbox.outages import Outage
from worker.sandbox.standin import StandIn
from worker.sandbox.world import World


def npd_stand_in(world: World) -> StandIn:
    """Return a new stand-in, which knows no person. Its tasks and units are MONETA's."""
    url = world.options.notify_url
    messenger = send_nothing if url is None else partial(send, url)
    board = NoticeBoard(world.options.delay, world.clock, messenger)
    calls, outage = phone_log(), Outage()
    desk = Desk(world.options, world.book, board, calls, outage)
    return StandIn(
        name="npd",
        routes=[
            (f"/{method}", MethodHandler, {"desk": desk, "method": method}) for method in Method
        ],
        calls=calls,
        outage=outage,
        forget=desk.clear,
        notifications=board.as_json,
    )
