"""Calls that cost or have effect, whose answers the stand-ins lose in every way there is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from tests.support.messages.marketplace import (
    ACCEPTED,
    CODE,
    ENDS,
    INPUT_REQUIRED,
    MANDARIN,
    NPD,
    SAVE_SCHEDULED,
    WAITING,
    Marketplace,
)
from tests.support.messages.people import person
from tests.support.processes.child import wait_until
from tests.support.processes.system import System
from tests.support.providers.payloads import (
    magic_phone,
    mandarin_person,
    npd_person,
    right_code,
    scheduled_change,
)

_PROVIDERS: Final = ("MONETA", "NPD", "MANDARIN", "INTELLECTMONEY")
_POLL: Final = json.dumps({"first_after": 0.3, "steps": [[10, 0.5]], "then": 1, "jitter": 0.1})
#: Seconds. A code that the status does not know is asked for again after a minute.
_QUIET: Final = 150.0


class Becomes(Enum):
    """What is made of a call whose answer was lost."""

    #: A harmless question tells that it had its effect.
    CONFIRMED = auto()
    #: Only a person can find out.
    WAITS = auto()
    #: The person is asked for a further code.
    ASKED_AGAIN = auto()


@dataclass(frozen=True)
class Call:
    """One call whose answer is lost."""

    #: Whose, and which of his calls.
    what: str
    provider: str
    #: The sandbox's.
    scenario: int
    #: How the answer is lost.
    how: str
    becomes: Becomes
    #: Whether the stand-in took it.
    taken: bool = True

    @property
    def id(self) -> str:
        return f"{self.what}-{'taken' if self.taken else 'not-taken'}-{self.how}"

    @property
    def number(self) -> int:
        """The person, of whom there is one for each call."""
        return CALLS.index(self)

    @property
    def phone(self) -> str:
        return magic_phone(self.number, self.scenario)

    @property
    def unit_id(self) -> int:
        return 7_000_000 + self.scenario

    @property
    def object_id(self) -> int:
        """The object has two scheduled operations from the beginning."""
        return 7_002_000 + self.scenario

    @property
    def subject(self) -> str:
        """What the stand-in counts it by."""
        match self.provider:
            case "moneta":
                return str(self.unit_id)
            case "intellectmoney":
                return f"object:{self.object_id}"
            case _:
                return self.phone[-7:]


_HOW: Final = ("dropped", "500", "hung")


def _calls(
    what: str, scenarios: Sequence[int], becomes: Becomes, *, taken: bool = True
) -> list[Call]:
    provider = what.partition("-")[0]
    return [
        Call(what, provider, scenario, how, becomes, taken)
        for scenario, how in zip(scenarios, _HOW, strict=True)
    ]


CALLS: Final = [
    # MONETA's stand-in says 502 and 503 in the place of 500.
    *_calls("moneta-submit", (500, 504, 514), Becomes.CONFIRMED),
    *_calls("moneta-submit", (502, 503, 515), Becomes.WAITS, taken=False),
    *_calls("npd-start", (500, 505, 506), Becomes.WAITS),
    *_calls("npd-start", (501, 502, 507), Becomes.WAITS, taken=False),
    *_calls("mandarin-post", (500, 505, 506), Becomes.WAITS),
    *_calls("mandarin-post", (501, 502, 507), Becomes.WAITS, taken=False),
    *_calls("mandarin-put", (700, 703, 706), Becomes.CONFIRMED),
    *_calls("mandarin-put", (701, 702, 707), Becomes.ASKED_AGAIN, taken=False),
    *_calls("intellectmoney-create", (530, 531, 532), Becomes.CONFIRMED),
    *_calls("intellectmoney-create", (540, 541, 542), Becomes.WAITS, taken=False),
]
HANGING: Final = [call for call in CALLS if call.how == "hung"]
#: What the stand-ins call a call that arrived, and one that they took.
_COUNTED: Final = {
    "moneta-submit": ("submits", "taken"),
    "npd-start": ("startuprid", "taken"),
    "mandarin-post": ("submits", "taken"),
    "mandarin-put": ("codes", "codes_taken"),
    "intellectmoney-create": ("writes", "created"),
}
_CONFIRMED_BY: Final[Mapping[str, Mapping[str, object]]] = {
    "moneta-submit": {"verified_by": "profile_group", "group": "simplified"},
    "mandarin-put": {"verified_by": "result", "phone_verified": True},
    "intellectmoney-create": {"confirmed_by": "list"},
}


def patient(seconds: float) -> dict[str, str]:
    """Return settings with so many seconds to a call; nothing rests after a failure."""
    each = {
        "POLL": _POLL,
        "BREAKER_FAILURES": "1000",
        "CONNECT_TIMEOUT": str(seconds),
        "READ_TIMEOUT": str(seconds),
        "TOTAL_TIMEOUT": str(seconds),
    }
    return {f"UPRID_{of}__{name}": value for of in _PROVIDERS for name, value in each.items()}


def enqueue(whole: System, calls: Sequence[Call], prefix: str) -> dict[str, str]:
    """Have calls made; return the references by the calls' ids."""
    shop = whole.marketplace
    codes = [call for call in calls if call.what == "mandarin-put"]
    sent = {call.id: _begin(shop, call, prefix) for call in codes}
    shop.wait_for(sent.values(), [INPUT_REQUIRED])
    sent |= {call.id: _begin(shop, call, prefix) for call in calls if call not in codes}
    for call in codes:
        sealed = shop.seal({"sms_code": right_code(call.phone)})
        shop.send(CODE, "mandarin", reference=sent[call.id], sealed=sealed)
    return sent


def wait_for(whole: System, calls: Sequence[Call], sent: dict[str, str]) -> None:
    """Wait until something was made of every call."""
    asked = {sent[call.id] for call in calls if call.becomes is Becomes.ASKED_AGAIN}
    shop = whole.marketplace
    shop.wait_for({sent[call.id] for call in calls} - asked, timeout=90)

    def again() -> bool:
        told = shop.told([INPUT_REQUIRED])
        return all(len(told[reference]) > 1 for reference in asked)

    wait_until(again, _QUIET, "codes to be asked for again", interval=0.5)


def counted(whole: System, call: Call) -> tuple[int, int]:
    """Return how often a call arrived, and how often it was taken."""
    calls = whole.calls_of(call.provider)
    subjects: dict[str, dict[str, int]] = calls["units" if "units" in calls else "subjects"]
    counters = subjects.get(call.subject, {})
    arrived, taken = _COUNTED[call.what]
    return counters.get(arrived, 0), counters.get(taken, 0)


def assert_told(shop: Marketplace, call: Call, reference: str) -> None:
    """Check that the expected events of a call were published, once."""
    told = shop.of(reference)
    types = [event.type for event in told]
    assert types[0] == ACCEPTED
    last: dict[str, Any] = told[-1].data
    match call.becomes:
        case Becomes.CONFIRMED:
            assert [each for each in types if each in ENDS] == ["uprid.operation.succeeded"]
            assert _CONFIRMED_BY[call.what].items() <= last["result"].items()
            assert WAITING not in types
        case Becomes.WAITS:
            assert types == [ACCEPTED, WAITING]
            assert last["reason"]["code"] == "doubtful_submit"
        case Becomes.ASKED_AGAIN:
            assert not ENDS & set(types)
            assert attempts_left(shop, reference) == [5, 4]


def attempts_left(shop: Marketplace, reference: str) -> list[int]:
    """Return how many codes were left each time that one was asked for."""
    return [
        event.data["attempts_left"] for event in shop.of(reference) if event.type == INPUT_REQUIRED
    ]


def _begin(shop: Marketplace, call: Call, prefix: str) -> str:
    """Enqueue the operation that makes the call, or that takes the code; return its reference."""
    reference = f"{prefix}-{call.id}"
    match call.provider:
        case "moneta":
            shop.start(reference, call.unit_id, person(call.number))
        case "npd":
            sealed = shop.seal(npd_person(call.number, call.phone))
            shop.send(NPD, "npd", reference=reference, sealed=sealed)
        case "mandarin":
            sealed = shop.seal(mandarin_person(call.number, call.phone))
            shop.send(MANDARIN, "mandarin", reference=reference, sealed=sealed)
        case _:
            operation = scheduled_change(call.object_id)
            shop.send(SAVE_SCHEDULED, "intellectmoney", reference=reference, operation=operation)
    return reference
