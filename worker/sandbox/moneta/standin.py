"""Puts MONETA's stand-in together."""

from worker.sandbox.bell import ring, stay_silent
from worker.sandbox.calls import CallLog
from worker.sandbox.clock import Clock, utc_now
from worker.sandbox.moneta.desk import Desk
from worker.sandbox.moneta.door import Door
from worker.sandbox.moneta.handler import ServicesHandler
from worker.sandbox.moneta.tasks import TaskBook
from worker.sandbox.options import SandboxOptions
from worker.sandbox.outages import Outage
from worker.sandbox.standin import StandIn


def moneta_stand_in(options: SandboxOptions, clock: Clock = utc_now) -> StandIn:
    """Return a stand-in as new, with no tasks."""
    book = TaskBook(options.delay, options.task_timeout, clock)
    calls, outage = CallLog(), Outage()
    bell = ring if options.callbacks else stay_silent
    door = Door(Desk(options, book, calls, outage, bell))
    return StandIn(
        name="moneta",
        routes=[("/services", ServicesHandler, {"door": door})],
        calls=calls,
        outage=outage,
        forget=book.clear,
    )
