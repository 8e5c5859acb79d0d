"""The operations that were scheduled: every write without an id makes a further one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID, uuid5

from uprid_sandbox.clock import Clock

_IDS: Final = UUID("f2c33a48-17c8-4889-a327-5ad1b6260cd5")
#: What an object's operations of the beginning, and other people's, look like.
_USUAL: Final = {
    "ObjectTypeVal": "1",
    "ParamsJson": '{"Amount": 15}',
    "RepeatPlan": "0 0 12 1 * ? *",
    "IsSingle": "0",
    "FireOnSkip": "1",
    "State": "0",
}
#: What a write may leave out (a guess).
_LEFT_OUT: Final = {"IsSingle": "0", "FireOnSkip": "0", "State": "0"}
_MOST: Final = 1000


@dataclass(slots=True)
class Scheduled:
    """One operation and what it became, write by write."""

    id: str
    object_id: int
    created_at: datetime
    #: When a version is listed from, and its parameters.
    versions: list[tuple[datetime, Mapping[str, str]]] = field(repr=False)

    def at(self, moment: datetime) -> Mapping[str, str] | None:
        """Return what is listed at a moment, None where nothing is yet."""
        listed = [values for since, values in self.versions if since <= moment]
        return listed[-1] if listed else None


def existing_id(object_id: int, number: int) -> str:
    """Return the id of the `number`th operation (from 0) that an object has from the beginning."""
    return str(uuid5(_IDS, f"{object_id} {number}"))


class Schedule:
    """All objects and their operations."""

    def __init__(self, delay: float, clock: Clock) -> None:
        self._delay = delay
        self._clock = clock
        # Ids go on after a reset, so that an old one never names a new operation.
        self._numbers = count(1)
        self._objects: dict[int, list[Scheduled]] = {}

    def create(self, object_id: int, values: Mapping[str, str], late: float) -> None:
        """Store a further operation, listed so many delays from now."""
        new_id = str(uuid5(_IDS, f"created {next(self._numbers)}"))
        self._of(object_id).append(self._scheduled(new_id, object_id, values, late))

    def create_for_others(self, object_id: int, late: float) -> None:
        """Store what another client scheduled."""
        self.create(object_id, _USUAL, late)

    def edit(
        self, object_id: int, operation_id: str, values: Mapping[str, str], late: float
    ) -> bool:
        """Change an operation; return whether the object has one of this id."""
        for each in self._of(object_id):
            if each.id == operation_id.lower():
                each.versions.append((self._after(late), {**_LEFT_OUT, **values}))
                return True
        return False

    def listed(self, object_id: int | None) -> Iterator[tuple[Scheduled, Mapping[str, str]]]:
        """Yield an object's operations, or those of all objects that were ever asked about."""
        if object_id is not None:
            self._of(object_id)
        now = self._clock()
        for each, operations in list(self._objects.items()):
            for operation in operations if object_id in {None, each} else ():
                values = operation.at(now)
                if values is not None:
                    yield operation, values

    def owner(self, operation_id: str) -> int | None:
        """Return whose an operation is, of the objects that were ever asked about."""
        for object_id, operations in self._objects.items():
            if any(each.id == operation_id.lower() for each in operations):
                return object_id
        return None

    def clear(self) -> None:
        """Forget all of it."""
        self._objects.clear()

    def _of(self, object_id: int) -> list[Scheduled]:
        if object_id not in self._objects:
            self._objects[object_id] = [
                self._scheduled(existing_id(object_id, n), object_id, _USUAL, 0)
                for n in range(object_id // 1000 % _MOST)
            ]
        return self._objects[object_id]

    def _scheduled(
        self, new_id: str, object_id: int, values: Mapping[str, str], late: float
    ) -> Scheduled:
        version = (self._after(late), {**_LEFT_OUT, **values})
        return Scheduled(new_id, object_id, self._clock(), [version])

    def _after(self, late: float) -> datetime:
        return self._clock() + timedelta(seconds=self._delay * late)
