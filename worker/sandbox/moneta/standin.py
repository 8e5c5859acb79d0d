"""Puts MONETA's stand-in together."""

from worker.sandbox.bell import ring, stay_silent
from worker.sandbox.moneta.calls import unit_log
from worker.sandbox.moneta.desk import Desk
from worker.sandbox.moneta.door import Door
from worker.sandbox.moneta.handler import ServicesHandler
from worker.sandbox.outages import Outage
from worker.sandbox.standin import StandIn
from worker.sandbox.world import World


def moneta_stand_in(world: World) -> StandIn:
    """Return a stand-in as new, with no tasks."""
    calls, outage = unit_log(), Outage()
    bell = ring if world.options.callbacks else stay_silent
    door = Door(Desk(world.options, world.book, calls, outage, bell))
    return StandIn(
        name="moneta",
        routes=[("/services", ServicesHandler, {"door": door})],
        calls=calls,
        outage=outage,
        forget=world.book.clear,
    )
