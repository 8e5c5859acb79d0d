"""Mutations of what a reply states: names and values, before they are written."""

import copy
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from tests.harnesses.hostile.case import MARKER, Seed
from tests.harnesses.hostile.tree import Obj, Odd, Place, places, tree_of
from tests.harnesses.hostile.values import deep_value, hostile_value, near_value

#: Changes a tree in place.
Break = Callable[[Random, Any, Sequence[Seed]], None]

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_ATTRIBUTES: Final = (
    'xmlns="urn:foreign"', f'xmlns:xsi="{_XSI}" xsi:nil="true"', 'nil="true"', 'a="1"',
    f'xmlns:i="{_XSI}" i:nil=" 1 "', 'xmlns=""', 'success="true"', 'a="1" a="2"', 'a="&bomb;"',
    'xmlns="http://moneta.ru/schemas/messages.xsd"', 'xml:lang="ru"', 'id="1"', 'href="#1"',
    'xmlns:x="http://x" x:y="z"', "a='<'", 'type="xsd:string"',
)  # fmt: skip
_NAMES: Final = (
    "", "x", "Envelope", "Body", "fault", "Fault", "detail", "faultDetail", "AsyncResponse",
    "GetProfileInfoResponse", "SimplifiedIdentificationResponse", "success", "errorCode", "error",
    "asyncId", "asyncStatus", "unitId", "id", "Result", "State", "Code", "OperationState",
    "UserToken", "OperationId", "a b", "a:b", "__proto__", "__class__", "é", "key", "value",
    "attribute", "updated", "docId", "personVerified", "phoneVerified", "\x00", "a" * 300,
)  # fmt: skip


#: Names on which a verdict depends.
_TELLING: Final = frozenset(
    {
        "success", "errorCode", "faultDetail", "asyncId", "value", "updated", "unitId", "error",
        "id", "personVerified", "personVerificationFinished", "phoneVerified", "Code", "State",
        "phoneVerificationFinished", "SetScheduledOperationData", "OperationId",
    }
)  # fmt: skip


def _any(random: Random, tree: object) -> Place | None:
    found = places(tree)
    return random.choice(found) if found else None


def _object(random: Random, tree: object) -> Obj | None:
    found = [each.value for each in places(tree) if isinstance(each.value, Obj)]
    if isinstance(tree, Obj):
        found.append(tree)
    return random.choice(found) if found else None


def wrong_value(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    del seeds
    place = _any(random, tree)
    if place is not None:
        place.put(hostile_value(random))


def near_miss(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    del seeds
    place = _any(random, tree)
    if place is not None:
        place.put(near_value(random, place.value))


def telling(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Change a value on which the verdict depends. Drawn at random, few mutations would hit one."""
    del seeds
    found = [each for each in places(tree) if each.name in _TELLING]
    if found:
        name = random.choice(sorted({str(each.name) for each in found}))
        place = random.choice([each for each in found if each.name == name])
        hostile = hostile_value(random)
        place.put(random.choice((near_value(random, place.value), hostile)))


def deep(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    del seeds
    place = _any(random, tree)
    if place is not None:
        place.put(deep_value(random))


def doubled(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Repeat a member, mostly with another value."""
    del seeds
    found = [each for each in places(tree) if each.name is not None]
    if not found:
        return
    place = random.choice(found)
    again: Any = copy.deepcopy(place.value)
    if random.random() < 0.7:
        again = random.choice((near_value, lambda r, _: hostile_value(r)))(random, again)
    place.holder.insert(random.randint(0, len(place.holder)), (place.name, again))


def doubled_inside(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Repeat an object with one of its values changed."""
    del seeds
    found = [p for p in places(tree) if p.name is not None and isinstance(p.value, Obj)]
    if found:
        place = random.choice(found)
        again = copy.deepcopy(place.value)
        near_miss(random, again, ())
        place.holder.insert(random.randint(0, len(place.holder)), (place.name, again))


def missing(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    del seeds
    place = _any(random, tree)
    if place is not None:
        del place.holder[place.index]


def unknown(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Add an undocumented member, or one that belongs elsewhere."""
    del seeds
    holder = _object(random, tree)
    if holder is not None:
        value = random.choice((MARKER, hostile_value(random), True, 1))
        holder.insert(random.randint(0, len(holder)), (random.choice(_NAMES), value))


def renamed(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    del seeds
    found = [each for each in places(tree) if each.name is not None]
    if found:
        place = random.choice(found)
        near = str(near_value(random, place.name))
        name = random.choice((near, near, random.choice(_NAMES)))
        place.holder[place.index] = (name, place.value)


def swapped(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Exchange two values."""
    del seeds
    one, other = _any(random, tree), _any(random, tree)
    if one is not None and other is not None:
        first, second = copy.deepcopy(one.value), copy.deepcopy(other.value)
        other.put(first)
        one.put(second)


def moved(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Move a member to another object."""
    del seeds
    found = [each for each in places(tree) if each.name is not None]
    if found:
        place = random.choice(found)
        taken = place.holder.pop(place.index)
        holder = _object(random, tree)
        if holder is not None:
            holder.insert(random.randint(0, len(holder)), taken)


def grafted(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Take a member from another documented answer, and add it or replace the one that is there."""
    other = tree_of(random.choice(seeds).document)
    found = [each for each in places(other) if each.name is not None]
    if not found:
        return
    taken = random.choice(found)
    same = [each for each in places(tree) if each.name == taken.name]
    if same and random.random() < 0.6:
        random.choice(same).put(taken.value)
        return
    holder = _object(random, tree)
    if holder is not None:
        holder.insert(random.randint(0, len(holder)), (taken.name or "", taken.value))


def wrapped(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    del seeds
    place = _any(random, tree)
    if place is not None:
        wraps = ([place.value], Obj([(random.choice(_NAMES), place.value)]), [[place.value]])
        place.put(random.choice(wraps))


def odd_element(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    del seeds
    place = _any(random, tree)
    if place is not None:
        place.put(Odd(place.value, random.choice(_ATTRIBUTES)))


def many(random: Random, tree: object, seeds: Sequence[Seed]) -> None:
    """Repeat an item or a member many times."""
    del seeds
    place = _any(random, tree)
    if place is not None:
        times = random.choice((2, 2, 3, 10, 99, 100))
        item = (place.name, place.value) if place.name is not None else place.value
        place.holder[place.index : place.index + 1] = [copy.deepcopy(item) for _ in range(times)]


TREES: Final[tuple[Break, ...]] = (
    wrong_value, wrong_value, near_miss, telling, telling, telling, deep, doubled, doubled_inside,
    missing, missing, unknown, renamed, swapped, moved, grafted, grafted, wrapped, odd_element,
    many,
)  # fmt: skip
