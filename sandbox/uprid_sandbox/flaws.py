"""What can happen to a good reply on its way."""

from enum import Enum, auto
from typing import Final, assert_never

from uprid_sandbox.answers import Answer, Cut, Drip, Drop, Hang, Page

_HUGE: Final = b" " * 16_000_000


class Flaw(Enum):
    """What happens to a good reply on its way."""

    #: Half of the body, in a well-formed HTTP reply.
    TRUNCATED = auto()
    #: The connection breaks in the middle of the body.
    CUT = auto()
    #: A byte now and then.
    DRIPPING = auto()
    #: Sixteen megabytes of blanks before it.
    HUGE = auto()


def spoil(flaw: Flaw, page: Page) -> Answer:
    """Return the page as it arrives."""
    match flaw:
        case Flaw.TRUNCATED:
            return Page(page.status, page.body[: len(page.body) // 2], page.content_type)
        case Flaw.CUT:
            return Cut(page)
        case Flaw.DRIPPING:
            return Drip(page)
        case Flaw.HUGE:
            return Page(page.status, _HUGE + page.body, page.content_type)
        case _:
            assert_never(flaw)


def befall(act: Page | Drop | Hang | Flaw, usual: Page) -> Answer:
    """Return the reply in place of the usual page; a flaw spoils that page."""
    return spoil(act, usual) if isinstance(act, Flaw) else act
