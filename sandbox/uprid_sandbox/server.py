"""The sandbox's HTTP server: every provider's stand-in under its own prefix, on loopback only."""

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Final

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from uprid_sandbox.admin import admin_routes
from uprid_sandbox.clock import Clock, utc_now
from uprid_sandbox.delivery import UnknownAddressHandler
from uprid_sandbox.intellectmoney.standin import intellectmoney_stand_in
from uprid_sandbox.mandarin.standin import mandarin_stand_in
from uprid_sandbox.moneta.standin import moneta_stand_in
from uprid_sandbox.npd.standin import npd_stand_in
from uprid_sandbox.options import SandboxOptions
from uprid_sandbox.standin import StandIn
from uprid_sandbox.world import World, new_world

HOST: Final = "127.0.0.1"
#: Bytes; no provider takes requests as large.
BODY_LIMIT: Final = 1_000_000
#: Connections that wait to be accepted, as when a whole chunk of requests starts at once.
BACKLOG: Final = 512

Ready = Callable[[str], None]

#: A further provider is one more line here and one in `scenarios.TABLES`.
STAND_INS: Final[tuple[Callable[[World], StandIn], ...]] = (
    moneta_stand_in,
    mandarin_stand_in,
    npd_stand_in,
    intellectmoney_stand_in,
)


def create_application(options: SandboxOptions, clock: Clock = utc_now) -> Application:
    """Return the application: `/{provider}/…` and `/_sandbox/…`."""
    world = new_world(options, clock)
    stand_ins = {each.name: each for each in (build(world) for build in STAND_INS)}
    routes = admin_routes(stand_ins)
    for name, stand_in in stand_ins.items():
        routes += [(f"/{name}{path}", handler, args) for path, handler, args in stand_in.routes]
        routes.append((f"/{name}(?:/.*)?", UnknownAddressHandler, {}))
    outages = {name: stand_in.outage for name, stand_in in stand_ins.items()}
    return Application(list(routes), log_function=_stay_quiet, outages=outages)


async def run(
    options: SandboxOptions, ready: Ready, stop: asyncio.Event, clock: Clock = utc_now
) -> None:
    """Serve until `stop` is set; `ready` gets the address, `http://127.0.0.1:PORT`.

    Raises OSError where the port is taken. Requests that hang are cut off at the stop.
    """
    # Tornado's own binding leaves its socket open when the port is taken.
    listener = socket.create_server((HOST, options.port), backlog=BACKLOG)
    listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
    server = HTTPServer(create_application(options, clock), max_body_size=BODY_LIMIT)
    server.add_socket(listener)
    try:
        ready(f"http://{HOST}:{listener.getsockname()[1]}")
        await stop.wait()
    finally:
        server.stop()
        await server.close_all_connections()


def serve(options: SandboxOptions, ready: Ready) -> None:
    """Serve in this process's main thread until SIGTERM or SIGINT; then return."""
    asyncio.run(_until_signalled(options, ready))


async def _until_signalled(options: SandboxOptions, ready: Ready) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await run(options, ready, stop)


def _stay_quiet(_handler: RequestHandler) -> None:
    """Refusals are this server's daily work: Tornado would warn about each."""
