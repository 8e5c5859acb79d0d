"""One provider's stand-in, as the server and the admin pages see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tornado.web import RequestHandler

from uprid_sandbox.calls import CallLog
from uprid_sandbox.outages import Mode, Outage

#: Path below the provider's prefix, handler, the handler's `initialize` arguments.
Route = tuple[str, type[RequestHandler], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class StandIn:
    """What a provider's module hands to the server."""

    #: Also the prefix of its paths.
    name: str
    routes: Sequence[Route]
    calls: CallLog[Any]
    outage: Outage
    #: Forgets what the provider knows: tasks, units, invoices.
    forget: Callable[[], None]
    #: Its own notifications to the marketplace, sent or to be sent.
    notifications: Callable[[], list[dict[str, Any]]] = list

    def reset(self) -> None:
        """Become well and as new."""
        self.outage.mode = Mode.UP
        self.calls.clear()
        self.forget()
