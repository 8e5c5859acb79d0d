"""Makes a whole stand-in sick."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from uprid_sandbox.answers import Hang, Page, html_page

_SICK: Final = html_page(503, "Service Unavailable")


class Mode(StrEnum):
    """How a stand-in feels."""

    #: Well: scenarios decide.
    UP = "up"
    #: Every request gets a proxy's 503 page, and has no effect.
    DOWN = "down"
    #: No request gets a reply, nor has an effect.
    HANG = "hang"
    #: Every request is refused for its credentials.
    CREDENTIALS = "credentials"


@dataclass(slots=True)
class Outage:
    """The present mode of one stand-in."""

    mode: Mode = Mode.UP

    def at_the_gateway(self) -> Page | Hang | None:
        """Return what a request gets that is no call of the provider's; None for its own answer."""
        match self.mode:
            case Mode.DOWN:
                return _SICK
            case Mode.HANG:
                return Hang()
            case Mode.UP | Mode.CREDENTIALS:
                return None

    def symptom(self, unknown: Page) -> Page | Hang | None:
        """Return what every request gets, None where the stand-in is well.

        `unknown` is what this provider tells a stranger.
        """
        match self.mode:
            case Mode.UP:
                return None
            case Mode.DOWN:
                return _SICK
            case Mode.HANG:
                return Hang()
            case Mode.CREDENTIALS:
                return unknown
