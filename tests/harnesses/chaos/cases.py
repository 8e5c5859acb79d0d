"""The operations of a run: all four providers, each with the ends that are right for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.support.messages.marketplace import WAITING
from tests.support.messages.people import person
from tests.support.providers.payloads import (
    magic_phone,
    mandarin_person,
    npd_person,
    right_code,
    scheduled_change,
)
from uprid_client import Client
from uprid_client.names import Provider

#: Different names, documents and dates. Units and phones are different for each operation.
PEOPLE: Final = 40

_SUCCEEDED: Final = "uprid.operation.succeeded"
_REJECTED: Final = "uprid.operation.rejected"
_EXPIRED: Final = "uprid.operation.expired"

Send = Callable[[Client], object]


@dataclass(frozen=True, slots=True)
class Case:
    """One operation."""

    reference: str
    provider: Provider
    #: The subject under which the stand-in counts its calls. None: it has no billed call.
    subject: str | None
    #: Event types that may be its last. Where a submit can be in doubt, a wait is also right.
    ends: frozenset[str]
    send: Send = field(repr=False)
    #: Mandarin: the codes that the person types. The last one is right.
    codes: tuple[str, ...] = field(default=(), repr=False)
    #: NPD: the phone that notifications name.
    phone: str | None = field(default=None, repr=False)
    #: Whether an engineer asks for a next attempt when the operation waits.
    is_retried: bool = False


@dataclass(frozen=True, slots=True)
class _Kind:
    """A scenario of a stand-in, and how often it is drawn."""

    number: int
    share: int
    ends: frozenset[str]


def _kind(number: int, share: int, *ends: str) -> _Kind:
    return _Kind(number, share, frozenset(ends or (_SUCCEEDED,)))


_MONETA: Final = (
    _kind(0, 50),
    _kind(2, 12),  # slow
    _kind(103, 8, _REJECTED),
    _kind(200, 4, _REJECTED, _EXPIRED),  # no end in time, profile anonymous
    _kind(201, 6),  # no end in time, profile simplified
    _kind(300, 6),  # two 502 pages on polls
    _kind(500, 4),  # submit taken, no reply: cleared up by the profile
    _kind(502, 2, WAITING, _SUCCEEDED),  # submit not taken, no reply: a next attempt succeeds
)
_NPD: Final = (
    _kind(0, 55),
    _kind(1, 10),  # slow
    _kind(3, 10),  # published twice
    _kind(402, 5, _REJECTED, _EXPIRED),  # no end in time, profile anonymous
    _kind(403, 10),  # no end in time, profile simplified
    _kind(500, 5),  # start taken, no reply
)
#: A code whose reply was lost is not sent again, as it may have counted: such a session expires.
_MANDARIN: Final = (
    _kind(0, 60, _SUCCEEDED, _EXPIRED),
    _kind(100, 8, _REJECTED),
    _kind(300, 6, _SUCCEEDED, _EXPIRED),  # two 500 pages on polls
    _kind(500, 3, WAITING, _SUCCEEDED, _EXPIRED),  # start taken, no reply
    _kind(700, 5, _SUCCEEDED, _EXPIRED),  # code taken, no reply
)
#: The scenario of a registry is in its eshop, that of a list or a write in its object.
_EYES: Final = (_kind(3_000, 40), _kind(12_103, 20), _kind(7_100, 10))
_WRITES: Final = (
    _kind(500, 20),
    _kind(530, 4),  # stored, no reply: confirmed by the list
    _kind(540, 2, WAITING, _SUCCEEDED),  # nothing stored, no reply: a next attempt succeeds
)
#: Shares of the providers, in hundredths.
_SHARES: Final[Mapping[Provider, int]] = {
    Provider.MONETA: 40,
    Provider.NPD: 20,
    Provider.MANDARIN: 20,
    Provider.INTELLECTMONEY: 20,
}
#: Objects from this number on have no operations at first.
_OBJECT: Final = 1_000_000
_PHONES: Final = 10_000
#: One session in four has a wrong code before the right one.
_WRONG_FIRST: Final = 4
#: One waiting operation in three is retried.
_RETRIED: Final = 3


def cases(random: Random) -> Iterator[Case]:
    """Yield operations without end. The same seed yields the same ones."""
    number = 0
    while True:
        number += 1
        [provider] = random.choices(list(_SHARES), list(_SHARES.values()))
        yield _MAKERS[provider](random, number)


def _drawn(random: Random, kinds: tuple[_Kind, ...]) -> _Kind:
    return random.choices(kinds, [kind.share for kind in kinds])[0]


def _moneta(random: Random, number: int) -> Case:
    kind = _drawn(random, _MONETA)
    unit_id = number * 1_000 + kind.number
    reference, payload = f"moneta-{number}", person(number % PEOPLE)

    def send(client: Client) -> object:
        return client.moneta.start_identification(reference, unit_id, payload)

    return Case(
        reference, Provider.MONETA, str(unit_id), kind.ends, send, is_retried=_is_retried(number)
    )


def _npd(random: Random, number: int) -> Case:
    kind = _drawn(random, _NPD)
    phone = magic_phone(number % _PHONES, kind.number)
    reference, payload = f"npd-{number}", npd_person(number % PEOPLE, phone)

    def send(client: Client) -> object:
        return client.npd.start_identification(reference, payload)

    # Not retried: if the provider took the start after all, it refuses a second one.
    return Case(reference, Provider.NPD, phone[-7:], kind.ends, send, phone=phone)


def _mandarin(random: Random, number: int) -> Case:
    kind = _drawn(random, _MANDARIN)
    phone = magic_phone(number % _PHONES, kind.number)
    reference, payload = f"mandarin-{number}", mandarin_person(number % PEOPLE, phone)
    right = right_code(phone)
    wrong = f"{(int(right) + 1) % 10_000:04}"
    codes = (right,) if random.randrange(_WRONG_FIRST) else (wrong, right)

    def send(client: Client) -> object:
        return client.mandarin.start_identification(reference, payload)

    return Case(
        reference, Provider.MANDARIN, phone[-7:], kind.ends, send,
        codes=codes, is_retried=_is_retried(number),
    )  # fmt: skip


def _intellectmoney(random: Random, number: int) -> Case:
    kind = _drawn(random, _EYES + _WRITES)
    if kind in _WRITES:
        object_id = number * _OBJECT + kind.number
        return _write(f"save-{number}", object_id, kind, is_retried=_is_retried(number))
    reference = f"invoices-{number}"
    filters = {"eshop_id": kind.number, "page_size": 5}

    def send(client: Client) -> object:
        return client.intellectmoney.fetch_invoices(reference, filters)

    return Case(reference, Provider.INTELLECTMONEY, None, kind.ends, send)


def _write(reference: str, object_id: int, kind: _Kind, *, is_retried: bool) -> Case:
    change: dict[str, Any] = scheduled_change(object_id)

    def send(client: Client) -> object:
        return client.intellectmoney.save_scheduled_operation(reference, change)

    return Case(
        reference, Provider.INTELLECTMONEY, f"object:{object_id}", kind.ends, send,
        is_retried=is_retried,
    )  # fmt: skip


def _is_retried(number: int) -> bool:
    return number % _RETRIED == 0


_MAKERS: Final[Mapping[Provider, Callable[[Random, int], Case]]] = {
    Provider.MONETA: _moneta,
    Provider.NPD: _npd,
    Provider.MANDARIN: _mandarin,
    Provider.INTELLECTMONEY: _intellectmoney,
}
