"""One seed, run from its start to its end."""

import gc
import sys
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.plan import Plan
from tests.harnesses.simulation.refusals import is_drawn
from tests.harnesses.simulation.violation import Violation
from tests.harnesses.simulation.world import World
from worker.domain.ids import drawn_from

#: The first seeds, which every run of the tests has, and which the exhaustive run has.
TESTED: Final = 125
EXHAUSTIVE: Final = 300


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a seed."""

    seed: int
    digest: str
    plan: Plan
    #: The invariant that failed, and its details. None: all hold.
    invariant: str | None
    detail: str
    lines: list[str]
    #: Virtual seconds.
    lasted: float
    #: How often each kind of event happened.
    seen: Counter[str]


def simulate(seed: int, *, keep_trace: bool = False) -> Result:
    """Run a seed."""
    invariant, detail = None, ""
    world = World(seed)
    world.kernel.trace.keep = keep_trace
    with drawn_from(world.source()), _logged(world.kernel), _seldom_collected():
        try:
            world.run()
        except Violation as violation:
            invariant, detail = violation.invariant, str(violation)
            world.kernel.say("VIOLATION", detail)
    trace = world.kernel.trace
    return Result(
        seed,
        trace.digest,
        world.plan,
        invariant,
        detail,
        trace.lines,
        world.kernel.seconds,
        world.kernel.seen,
    )


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Collect garbage seldom: most objects live long, and a search takes a quarter of the time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 100, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _logged(kernel: Kernel) -> Iterator[None]:
    """Write the log into the trace. An unexpected error of our own code is a violation."""

    def note(_: object, level: str, event: MutableMapping[str, Any]) -> Any:  # noqa: ANN401
        strange = "exc_info" in event and not is_drawn(sys.exc_info()[1])
        if event["event"] == "round_failed" and strange:
            raise Violation("our own code does not fail", (event, repr(sys.exc_info()[1])))
        if level in {"warning", "error"} or event.get("event") in _TOLD:
            said = " ".join(f"{key}={value}" for key, value in sorted(event.items()))
            kernel.say("log", said)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[note], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


_TOLD = frozenset({"overdue_woken", "chunk_halted", "acted", "plugin_stumbled"})
