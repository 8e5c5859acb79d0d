"""What the API takes: forms, read by the letter, and their signatures."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import date
from email.message import Message
from typing import Final
from urllib.parse import parse_qsl

from uprid_sandbox.names import NAME
from uprid_sandbox.npd.acts import Method
from uprid_sandbox.strict import Violation

_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_PATTERNS: Final = {
    **dict.fromkeys(("firstname", "lastname"), re.compile(NAME)),
    # A guess: empty for a person without a patronymic.
    "middlename": re.compile(rf"(?:{NAME})?"),
    "docissuer": re.compile(r"\S(.*\S)?"),
    **dict.fromkeys(("bd", "docissued"), re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")),
    "snils": re.compile(r"[0-9]{3}-[0-9]{3}-[0-9]{3} [0-9]{2}"),
    "phone": re.compile(r"79[0-9]{9}"),
    "docseries": re.compile(r"[0-9]{4}"),
    "docnumber": re.compile(r"[0-9]{6}"),
    # A guess: the page has no form for it, this is how a passport has it.
    "docdepartment": re.compile(r"[0-9]{3}-[0-9]{3}"),
}
_DATES: Final = frozenset({"bd", "docissued"})
#: What must be there and what may; `key` and `signature` always.
_NAMES: Final[Mapping[Method, tuple[frozenset[str], frozenset[str]]]] = {
    Method.PROFILE: (
        frozenset({"bd", "firstname", "lastname", "middlename", "phone"}),
        frozenset({"snils"}),
    ),
    Method.DOCUMENT: (
        frozenset({"docseries", "docnumber", "phone"}),
        frozenset({"docissuer", "docissued", "docdepartment"}),
    ),
    Method.START: (frozenset({"phone"}), frozenset()),
}
#: The printed formula of `updatemonetaprofile`; those of the other two agree with the rule.
_PRINTED: Final = frozenset({"firstname", "lastname", "middlename", "phone"})

#: Tells whether a parameter is signed.
Signed = Callable[[Method, str], bool]


def by_the_rule(_method: Method, _name: str) -> bool:
    """Sign everything: `key` and `signature` are left out in any case."""
    return True


def by_the_formula(method: Method, name: str) -> bool:
    """Sign what the printed formulas name."""
    return method is not Method.PROFILE or name in _PRINTED


def read_form(content_type: str | None, body: bytes) -> dict[str, str]:
    """Return the parameters in a body, or raise `Violation`; none may come twice."""
    header = Message()
    header["Content-Type"] = content_type or ""
    if header.get_content_type() != _MEDIA_TYPE:
        raise Violation("Content-Type", f"must be {_MEDIA_TYPE}")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
        )
    except ValueError:
        # A bad encoding is one too. The cause quotes the body: it is left behind.
        raise Violation("$", "must be a form in UTF-8") from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Violation("$", "holds the same parameter twice")
    return values


def check_parameters(method: Method, values: Mapping[str, str]) -> None:
    """Raise `Violation` where a parameter is missing, unknown or not written as it must be."""
    required, optional = _NAMES[method]
    required |= {"key", "signature"}
    if not required <= values.keys() <= required | optional:
        raise Violation("$", f"must hold {sorted(required)} and may hold {sorted(optional)}")
    for name, pattern in _PATTERNS.items():
        if name in values and not pattern.fullmatch(values[name]):
            raise Violation(name, "is not written as it must be")
    for name in _DATES & values.keys():
        try:
            date.fromisoformat(values[name])
        except ValueError:
            raise Violation(name, "is no date") from None


def is_signed(method: Method, values: Mapping[str, str], secret_key: str, signed: Signed) -> bool:
    """Return whether the signature is right: md5 of the values, sorted by name, and the secret.

    md5 is the provider's choice.
    """
    names = sorted(values.keys() - {"key", "signature"})
    text = "".join(values[name] for name in names if signed(method, name)) + secret_key
    expected = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return hmac.compare_digest(values.get("signature", "").encode(), expected.encode())
