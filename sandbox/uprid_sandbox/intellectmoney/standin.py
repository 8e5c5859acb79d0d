"""Puts IntellectMoney's stand-in together."""

import re
from typing import Final

from uprid_sandbox.intellectmoney.calls import registry_log
from uprid_sandbox.intellectmoney.handler import MethodHandler
from uprid_sandbox.intellectmoney.methods import INVOICES, LIST, TOKEN, WRITE, Method, result_method
from uprid_sandbox.intellectmoney.responder import Responder
from uprid_sandbox.intellectmoney.server import Server
from uprid_sandbox.outages import Outage
from uprid_sandbox.standin import Route, StandIn
from uprid_sandbox.world import World

_PLACE: Final = "{operation_id}"


def intellectmoney_stand_in(world: World) -> StandIn:
    """Return a stand-in as new, with nothing asked for and nothing scheduled."""
    calls, outage = registry_log(), Outage()
    responder = Responder(world, calls, outage)
    methods = [TOKEN, INVOICES, WRITE, LIST]
    if world.options.intellectmoney_result_path is not None:
        methods.append(result_method(world.options.intellectmoney_result_path))
    return StandIn(
        name="intellectmoney",
        routes=[_route(each, Server(responder)) for each in methods],
        calls=calls,
        outage=outage,
        forget=responder.forget,
    )


def _route(method: Method, server: Server) -> Route:
    before, place, after = method.path.partition(_PLACE)
    pattern = re.escape(before) + ("([0-9a-fA-F-]{36})" if place else "") + re.escape(after)
    return pattern, MethodHandler, {"server": server, "method": method}
