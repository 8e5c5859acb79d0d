"""The pages for tests and the demo. No provider has them."""

from collections.abc import Mapping
from http import HTTPStatus

from tornado.web import RequestHandler

from uprid_sandbox.answers import read_object
from uprid_sandbox.outages import Mode
from uprid_sandbox.standin import Route, StandIn


class _AdminHandler(RequestHandler):
    def initialize(self, stand_ins: Mapping[str, StandIn]) -> None:
        self.stand_ins = stand_ins


class CallsHandler(_AdminHandler):
    """`GET /_sandbox/calls`: `{provider: counters}`."""

    def get(self) -> None:
        """Show the counters."""
        self.finish({name: each.calls.as_json() for name, each in self.stand_ins.items()})


class RequestsHandler(_AdminHandler):
    """`GET /_sandbox/requests`: `{provider: {kind: n}}`, cheap however many subjects there are."""

    def get(self) -> None:
        """Show how many requests came."""
        self.finish({name: each.calls.requests for name, each in self.stand_ins.items()})


class NotificationsHandler(_AdminHandler):
    """`GET /_sandbox/notifications`: `{provider: [{"at", "due", "body"}]}`, all of them, whole."""

    def get(self) -> None:
        """Show what was sent or is to be sent."""
        self.finish({name: each.notifications() for name, each in self.stand_ins.items()})


class OutageHandler(_AdminHandler):
    """`POST /_sandbox/outage`: `{"provider": name, "mode": one of Mode}`."""

    def post(self) -> None:
        """Begin or end a provider's outage."""
        asked = read_object(self.request.body) or {}
        stand_in = self.stand_ins.get(str(asked.get("provider")))
        try:
            mode = Mode(str(asked.get("mode")))
        except ValueError:
            mode = None
        if stand_in is None or mode is None:
            self.set_status(HTTPStatus.BAD_REQUEST)
            self.finish({"providers": sorted(self.stand_ins), "modes": list(Mode)})
            return
        stand_in.outage.mode = mode
        self.finish({"provider": stand_in.name, "mode": mode})


class ResetHandler(_AdminHandler):
    """`POST /_sandbox/reset`: every provider is well and as new, every counter is zero."""

    def post(self) -> None:
        """Clear the state and the counters of every stand-in."""
        for stand_in in self.stand_ins.values():
            stand_in.reset()
        self.finish({})


def admin_routes(stand_ins: Mapping[str, StandIn]) -> list[Route]:
    """Return the admin pages over these stand-ins."""
    shared = {"stand_ins": stand_ins}
    return [
        ("/_sandbox/calls", CallsHandler, shared),
        ("/_sandbox/requests", RequestsHandler, shared),
        ("/_sandbox/notifications", NotificationsHandler, shared),
        ("/_sandbox/outage", OutageHandler, shared),
        ("/_sandbox/reset", ResetHandler, shared),
    ]
