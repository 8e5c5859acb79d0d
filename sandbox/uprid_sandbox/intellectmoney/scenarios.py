"""The magic numbers: an eshop's is `EshopId % 1000`, an object's `ObjectId % 1000`.

A login's is what it ends in (`sandbox-901`). What stands in no table goes well.

- 0xx registries that come, 1xx queued ones, 2xx refusals and UserTokens that expire,
- 3xx replies that go wrong and then go well, 4xx replies that break the contract,
- 5xx writes of scheduled operations, 6xx lists of them, 9xx UserTokens by the login.
"""

import re
from dataclasses import dataclass
from typing import Final

from uprid_sandbox.intellectmoney.acts import PLAIN, Damage, Listing, Manner, Trouble


@dataclass(frozen=True, slots=True)
class Eshop:
    """What happens to a request for an eshop's registry."""

    number: int
    name: str
    #: What the provider does, and where it leads.
    what: str
    trouble: Trouble | None = None
    #: The trouble of every other page.
    beside: Trouble | None = None
    listing: Listing = Listing.PLAIN
    manner: Manner = PLAIN
    damage: Damage | None = None
    #: Calls about this eshop for which a UserToken is good; None: no end to them.
    token_calls: int | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """What becomes of the first writes about an object; the ones after them go well."""

    trouble: Trouble
    #: What is written is stored all the same.
    effect: bool = True
    #: Delays until the list shows it.
    late: float = 0.0
    #: An operation of another client for the same object appears with it.
    company: bool = False


@dataclass(frozen=True, slots=True)
class Object:
    """What happens when operations are scheduled for an object, and listed."""

    number: int
    name: str
    what: str
    write: Write | None = None
    listing: Trouble | None = None
    manner: Manner = PLAIN
    damage: Damage | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """What happens to a request for a UserToken with a login."""

    number: int
    name: str
    what: str
    trouble: Trouble | None = None
    #: Calls for which each UserToken is good; None: no end to them.
    token_calls: int | None = None


_LAST_DIGITS: Final = re.compile(r".*-([0-9]{3})", re.DOTALL)


def login_number(login: str) -> int | None:
    """Return 901 for `sandbox-901`, None where a login ends in no number."""
    found = _LAST_DIGITS.fullmatch(login)
    return int(found[1]) if found else None
