"""The types that scenarios are made of: pure data."""

from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Final

from uprid_sandbox.answers import Drop, Hang, Page
from uprid_sandbox.flaws import Flaw


@dataclass(frozen=True, slots=True)
class Codes:
    """A `Response` by its codes. They are text: not every one is a number."""

    #: `OperationState.Code`; None: there is no `OperationState`.
    operation: str | None = "0"
    #: `Result.State.Code`; None: there is no `Result`.
    request: str | None = "0"
    #: `Result` holds what was asked for.
    data: bool = True


DONE: Final = Codes()
WARNED: Final = Codes(request="1")
FAILED: Final = Codes("2", None, data=False)
UNAUTHENTICATED: Final = Codes(request="2", data=False)


@dataclass(frozen=True, slots=True)
class Queued:
    """Code 1 until it is ready; the same call again, or the result path, then gets the rest."""

    #: In delays after the first such call; None: never.
    after: float | None = 1.0
    then: Codes = DONE
    #: With an `OperationId`.
    numbered: bool = True


class Nonsense(Enum):
    """A whole HTTP 200 that says nothing."""

    #: Bytes that are no document.
    GARBAGE = auto()
    EMPTY = auto()
    #: A good document, and not IntellectMoney's.
    STRANGER = auto()
    #: Made to hurt its reader: entities in XML, depth in JSON.
    HOSTILE = auto()


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The usual reply, spoilt on its way."""

    flaw: Flaw


Act = Codes | Queued | Spoilt | Nonsense | Page | Drop | Hang


@dataclass(frozen=True, slots=True)
class Trouble:
    """What comes in place of the usual."""

    act: Act
    #: How many calls in a row get it: for every page, object or login by itself.
    times: int | None = 1
    #: Of pages: only every so-manyth has it, the first being number 1.
    every: int = 1

    def act_at(self, number: int, page: int = 1) -> Act | None:
        """Return what the `number`th call (from 1) about a page gets, None for the usual."""
        if page % self.every or (self.times is not None and number > self.times):
            return None
        return self.act


class Listing(Enum):
    """In what order an eshop's invoices are listed."""

    PLAIN = auto()
    #: The first three have changed by the end: they come again at the end, newer.
    NEWER_LAST = auto()
    #: The first three are listed as they are now, and at the end as they were.
    OLDER_LAST = auto()
    #: Every tenth one comes twice in a row, as when another one pushed it on by a place.
    SHIFTED = auto()
    #: Always further ones.
    ENDLESS = auto()
    #: Always the first ones: Skip is ignored.
    STUCK = auto()


class Manner(Flag):
    """How everything about an eshop or an object is written."""

    #: XML where JSON was asked for, and the other way round.
    OTHER_LANGUAGE = auto()
    #: States of invoices by their numbers.
    NUMBERS = auto()
    #: Some invoices are in undocumented states: number 5, and a name.
    STRANGE_STATES = auto()
    #: Undocumented currencies.
    STRANGE_CURRENCIES = auto()
    #: `true` and `false` where the page has 1 and 0.
    WORDS = auto()
    #: The list holds another object's operations too.
    NEIGHBOURS = auto()


PLAIN: Final = Manner(0)


class Damage(Enum):
    """What is wrong with the first record of every page."""

    NO_ID = auto()
    TWO_IDS = auto()
    BAD_AMOUNT = auto()
    #: More digits than any sum of money has.
    VAST_AMOUNT = auto()
    BAD_DATE = auto()
