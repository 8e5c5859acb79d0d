"""Which of the merchant's groups holds a unit: MONETA moves it once it is identified."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from config.providers import MonetaSettings
from worker.providers.moneta.attributes import checked, is_of, values_of
from worker.providers.moneta.types import Profile


class Group(StrEnum):
    """Which of the merchant's groups holds a unit."""

    ANONYMOUS = "anonymous"
    SIMPLIFIED = "simplified"
    FULL = "full"
    UNKNOWN = "unknown"

    @property
    def is_identified(self) -> bool:
        """Whether MONETA moves a unit here once it is identified."""
        return self in {Group.SIMPLIFIED, Group.FULL}


@dataclass(frozen=True, slots=True)
class Membership:
    """The group that holds a unit, and other facts of its profile: names, no values."""

    group: Group
    #: What MONETA has `approved` of the person and what not: `checked`.
    checked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Questions that it took.
    calls: int = field(default=1, compare=False)

    @property
    def note(self) -> str:
        """What a journal says."""
        return f"group {self.group}"

    def facts(self) -> dict[str, Any]:
        """Return what an event's `result` tells of it."""
        known = self.checked if any(self.checked.values()) else {}
        return {**known, "group": self.group.value}


def membership_of(profile: Profile, unit_id: int, groups: Mapping[int, Group]) -> Membership:
    """Return what a profile tells of a unit."""
    return Membership(group_of(profile, unit_id, groups), checked(profile.attributes))


def groups_of(settings: MonetaSettings) -> dict[int, Group]:
    """Return the merchant's own group ids: MONETA names a group nowhere."""
    known = {
        settings.simplified_group_id: Group.SIMPLIFIED,
        settings.full_group_id: Group.FULL,
        settings.anonymous_group_id: Group.ANONYMOUS,
    }
    return {number: group for number, group in known.items() if number is not None}


def group_of(profile: Profile, unit_id: int, groups: Mapping[int, Group]) -> Group:
    """Return the group that holds the unit: the attribute `parentid` of its profile."""
    parents = values_of(profile.attributes, "parentid")
    if len(parents) != 1 or not is_of(profile.attributes, unit_id):
        return Group.UNKNOWN
    (parent,) = parents
    if not re.fullmatch(r"[0-9]{1,19}", parent):
        return Group.UNKNOWN
    return groups.get(int(parent), Group.UNKNOWN)
