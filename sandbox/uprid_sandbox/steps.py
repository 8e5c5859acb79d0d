"""What some requests in a row get in place of the usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Act_co = TypeVar("Act_co", covariant=True)

#: As the `times` of a step: without end.
EVER: Final = None


@dataclass(frozen=True)
class Step(Generic[Act_co]):
    """What some requests get; `act` is a word of the provider's scenarios."""

    act: Act_co
    times: int | None = 1
    #: Of a request that has an effect: whether it has it all the same.
    taken: bool = False


def step_at(steps: Sequence[Step[Act_co]], number: int) -> Step[Act_co] | None:
    """Return the step for the `number`th request (from 1), None where the usual comes."""
    for step in steps:
        if step.times is None or number <= step.times:
            return step
        number -= step.times
    return None
