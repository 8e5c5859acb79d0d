"""Puts MONETA's stand-in together."""

from uprid_sandbox.bell import ring, stay_silent
from uprid_sandbox.moneta.calls import unit_log
from uprid_sandbox.moneta.handler import ServicesHandler
from uprid_sandbox.moneta.responder import Responder
from uprid_sandbox.moneta.server import Server
from uprid_sandbox.outages import Outage
from uprid_sandbox.standin import StandIn
from uprid_sandbox.world import World


def moneta_stand_in(world: World) -> StandIn:
    """Return a stand-in as new, with no tasks."""
    calls, outage = unit_log(), Outage()
    bell = ring if world.options.callbacks else stay_silent
    server = Server(Responder(world.options, world.book, calls, outage, bell))
    return StandIn(
        name="moneta",
        routes=[("/services", ServicesHandler, {"server": server})],
        calls=calls,
        outage=outage,
        forget=world.book.clear,
    )
