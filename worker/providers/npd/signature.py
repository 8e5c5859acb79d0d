"""How requests to NPD are signed. md5 is theirs, not a choice."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Final

#: Names us, and is the one parameter that is never signed.
KEY: Final = "key"


def signature_of(
    parameters: Mapping[str, str], secret: str, signed: Collection[str] | None = None
) -> str:
    """Return the signature in lower-case hex: md5 over the values by their names' order, then ours.

    `parameters` are those that are sent; `signed` restricts whose values count, None: all but
    `key`. The page's rule says all; its printed formula for `updatemonetaprofile` leaves out `bd`
    and `snils`.
    """
    names = sorted(
        name for name in parameters if name != KEY and (signed is None or name in signed)
    )
    text = "".join(parameters[name] for name in names) + secret
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
