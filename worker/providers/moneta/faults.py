"""MONETA's fault codes and what each of them means for us: the whole table, as data.

Codes and their meaning are those of the MerchantAPI schema (`faultDetail`). Only codes count: the
texts change with the account's language.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from uprid_client.contract.reason_codes import ReasonCode
from worker.domain.outcomes import Reason


class Means(Enum):
    """What is to be done about a code."""

    #: The unit is identified already.
    SUCCEEDED = auto()
    #: MONETA's verdict is no.
    REJECTED = auto()
    #: It could not be done; there is no verdict.
    FAILED = auto()
    #: The wait is over: the profile shows the end.
    SETTLE = auto()
    #: The task is not known, perhaps only to a replica that lags: asked again, then settled.
    MISSING = auto()
    #: Nothing was created: the same request may be made again.
    AGAIN = auto()
    #: Whether anything was created is not known.
    DOUBT = auto()
    #: MONETA itself is down.
    DOWN = auto()
    #: Our credentials or our address are refused: the provider pauses.
    PAUSE = auto()
    #: A person decides.
    PERSON = auto()
    #: Not known: asked again a few times where that is harmless.
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code in the three places where it can stand."""

    on_submit: Means
    on_poll: Means
    #: As the `errorCode` of a result element.
    in_result: Means
    reason: ReasonCode
    message: str
    retryable: bool = False

    def reason_for(self, code: str | None) -> Reason:
        """Return the reason that events carry."""
        return Reason(self.reason, self.message, code, self.retryable)


def _rejected(reason: ReasonCode, message: str, *, retryable: bool) -> Meaning:
    no = Means.REJECTED
    return Meaning(no, no, no, reason, message, retryable)


def _person(reason: ReasonCode, message: str) -> Meaning:
    return Meaning(Means.PERSON, Means.PERSON, Means.PERSON, reason, message)


def _over(message: str) -> Meaning:
    return Meaning(
        Means.PERSON, Means.SETTLE, Means.SETTLE, ReasonCode.NOT_FOUND_AT_PROVIDER, message
    )


def _behind(message: str) -> Meaning:
    again, failed = Means.AGAIN, Means.FAILED
    return Meaning(again, again, failed, ReasonCode.PROVIDER_UNAVAILABLE, message, retryable=True)


def _pause(message: str) -> Meaning:
    return Meaning(Means.PAUSE, Means.PAUSE, Means.PERSON, ReasonCode.CONFIGURATION, message)


_NO_ACCESS: Final = _person(
    ReasonCode.CONFIGURATION,
    "MONETA refuses access to this unit: check the unit and the account's rights.",
)
_MISUSE: Final = _person(
    ReasonCode.CONFIGURATION,
    "MONETA does not take our request as it is made: look at its interface for changes.",
)
_SUPPORT: Final = _person(
    ReasonCode.PROVIDER_ERROR, "MONETA could not complete the identification: ask its support."
)
_SMEV: Final = _behind("SMEV, which MONETA asks, is temporarily unavailable: retry later.")
_LOGIN: Final = _pause("MONETA refuses our login: check USERNAME and PASSWORD.")

UNKNOWN: Final = Meaning(
    Means.PERSON,
    Means.UNKNOWN,
    Means.PERSON,
    ReasonCode.UNKNOWN_ANSWER,
    "MONETA gave a code that is not known here: look it up and resolve by hand.",
)

#: Every code that is known to belong to an identification.
MEANINGS: Final[dict[str, Meaning]] = {
    "100": Meaning(
        Means.DOUBT,
        Means.DOWN,
        Means.FAILED,
        ReasonCode.PROVIDER_UNAVAILABLE,
        "MONETA is temporarily unavailable: retry later.",
        retryable=True,
    ),
    "200": _MISUSE,
    "300.2": _NO_ACCESS,
    "300.3": _NO_ACCESS,
    "300.5": _rejected(
        ReasonCode.NOT_FOUND_AT_PROVIDER,
        "MONETA knows no such unit: retry once it does. The right unit is another reference.",
        retryable=True,
    ),
    "300.6": _rejected(
        ReasonCode.DATA_MISMATCH,
        "The data would change what MONETA has confirmed already: retry with what was confirmed.",
        retryable=True,
    ),
    "300.7": _pause("MONETA refuses our address: have this host's IP allowed."),
    "500.7.1": _SUPPORT,
    "500.7.2": _over("MONETA's wait for the check's result has ended."),
    "500.7.3": _rejected(
        ReasonCode.DATA_MISMATCH,
        "The data did not pass the check: retry with corrected data.",
        retryable=True,
    ),
    "500.7.4": _rejected(
        ReasonCode.DOCUMENT_INVALID,
        "The document is no valid passport: retry with a corrected one.",
        retryable=True,
    ),
    "500.7.5": _rejected(
        ReasonCode.PHONE_NOT_CONFIRMED,
        "The mobile phone is not confirmed at MONETA: have it confirmed, then retry.",
        retryable=True,
    ),
    "500.7.6": _rejected(
        ReasonCode.DATA_INCOMPLETE,
        "The data are not complete: retry with name, passport, INN or SNILS and mobile phone.",
        retryable=True,
    ),
    "500.7.7": _rejected(
        ReasonCode.NOT_ELIGIBLE,
        "Only citizens of Russia can be identified this way.",
        retryable=False,
    ),
    "500.7.8": _person(
        ReasonCode.PROVIDER_ERROR, "MONETA found similar identified profiles: ask its support."
    ),
    "500.7.9": _rejected(
        ReasonCode.DATA_INCOMPLETE,
        "Data are missing or not confirmed: complete them, then retry.",
        retryable=True,
    ),
    "500.7.10": _person(
        ReasonCode.DOCUMENT_INVALID,
        "The document did not pass the check of its authenticity: ask MONETA's support.",
    ),
    "500.7.11": Meaning(
        Means.SUCCEEDED,
        Means.SUCCEEDED,
        Means.SUCCEEDED,
        ReasonCode.PROVIDER_ERROR,
        "The unit is identified already.",
    ),
    "500.7.12": _rejected(
        ReasonCode.NOT_ELIGIBLE, "MONETA cannot identify this person this way.", retryable=False
    ),
    "500.8": _SMEV,
    "500.8.3.1.1": _SMEV,
    "500.8.3.1.9": _SMEV,
    "500.8.3.1.10": _SMEV,
    "500.8.4769.1": _behind("ESIA, which MONETA asks, does not answer: retry later."),
    "500.9.1": Meaning(
        Means.PERSON,
        Means.MISSING,
        Means.SETTLE,
        ReasonCode.NOT_FOUND_AT_PROVIDER,
        "MONETA does not know the task any more.",
    ),
    "500.9.2": _MISUSE,
    "500.9.3": _MISUSE,
    "500.9.4": _MISUSE,
    "500.9.5": _MISUSE,
}


def meaning_of(code: str) -> Meaning:
    """Return what a code means.

    300.1 and all that lies below it speak of the login, the only family that is taken whole: of
    the others a new member may mean anything.
    """
    if code == "300.1" or code.startswith("300.1."):
        return _LOGIN
    return MEANINGS.get(code, UNKNOWN)
