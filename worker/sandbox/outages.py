"""Makes a whole stand-in sick."""

from dataclasses import dataclass
from enum import StrEnum


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
