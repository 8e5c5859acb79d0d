"""`./run bench`: this worker beside a bare loop and a naive chain, ratios within one run."""

import argparse
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Final, get_args

from benchmarks import chain_side, hang, lateness, ours, race, soap, transport, waiting
from benchmarks.lateness import Load
from benchmarks.race import LOOP, Lap
from benchmarks.stage import DatabaseKind, Stage, set_up
from benchmarks.table import progress, show
from config.polling import PollPolicy
from config.settings import EngineSettings
from uprid_client.names import Provider

PARTS: Final = ("race", "memory", "lateness", "hang", "http", "soap")
#: Seconds between two polls in the race: short, so that there is always something due.
COUNTDOWN: Final = 0.1
_SLOT: Final = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    operations: int
    polls: int
    rounds: int
    waiting: tuple[int, ...]
    chain_waiting: int
    #: Seconds in which memory settles.
    settle: float
    warm: int
    load: Load
    hang: hang.Load
    #: Who hangs, one after the other.
    hanging: tuple[Provider, ...]
    calls: int


WHOLE: Final = Sizes(
    operations=800,
    polls=6,
    rounds=3,
    waiting=(0, 10_000, 100_000),
    chain_waiting=10_000,
    settle=9.0,
    warm=1_000,
    load=Load(operations=500, period=5.0, seconds=15.0),
    hang=hang.Load(
        operations=300,
        period=10.0,
        starts_per_second=15.0,
        profiles=100,
        time_limit=5.0,
        seconds=20.0,
    ),
    hanging=tuple(Provider),
    calls=500,
)
QUICK: Final = Sizes(
    operations=60,
    polls=2,
    rounds=1,
    waiting=(0, 100, 500),
    chain_waiting=100,
    settle=1.0,
    warm=50,
    load=Load(operations=20, period=1.0, seconds=3.0),
    hang=hang.Load(
        operations=10, period=1.0, starts_per_second=5.0, profiles=5, time_limit=1.0, seconds=2.0
    ),
    hanging=(Provider.MONETA,),
    calls=100,
)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    sizes = QUICK if options.quick else WHOLE
    operations = options.operations or sizes.operations
    polls = options.polls or sizes.polls
    parts = options.only or PARTS
    with set_up(options.database) as stage:
        system = f"Python {platform.python_version()}, {os.cpu_count()} cores"
        print(f"{stage.versions()}, {system}; load {os.getloadavg()[0]:.1f} at the start")
        if "race" in parts:
            _race(stage, operations, polls, sizes.rounds)
        if "memory" in parts:
            _memory(stage, sizes)
        if "lateness" in parts:
            _lateness(stage, sizes)
        if "hang" in parts:
            _hang(stage, sizes)
        if "http" in parts:
            _http(stage, sizes)
        if "soap" in parts:
            _soap(stage, sizes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("./run bench", description=__doc__)
    parser.add_argument("--operations", type=int, help="operations of the race")
    parser.add_argument("--polls", type=int, help="polls of each")
    parser.add_argument("--quick", action="store_true", help="tiny: only shows that it runs")
    parser.add_argument("--database", choices=get_args(DatabaseKind), default="postgres")
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
    return parser


def _race(stage: Stage, operations: int, polls: int, rounds: int) -> None:
    laps: dict[str, list[Lap]] = {}
    policy = PollPolicy(first_after=COUNTDOWN, then=COUNTDOWN)
    with (
        ours.running(stage, policy=policy, slot=_SLOT) as worker,
        chain_side.running(stage, countdown=COUNTDOWN) as chain,
    ):
        sides = (worker, chain)
        for side in sides:
            progress(f"warming up: {side.name}")
            race.of_side(stage, side, 50, 2)
        for number in range(1, rounds + 1):
            progress(f"race, round {number} of {rounds}")
            loops = [
                race.of_loop(stage, sessions, operations, polls) for sessions in ("each", "shared")
            ]
            laps.setdefault(LOOP, []).append(race.best(loops))
            for side in sides:
                lap = race.of_side(stage, side, operations, polls)
                laps.setdefault(side.name, []).append(lap)
    _show_race(laps, f"{operations} operations x {polls} polls, best of {rounds} in turn")
    loop, ours_, chained = (laps[name] for name in (LOOP, worker.name, chain.name))
    for goal, others in (("0.8 x the loop", loop), ("3 x the chain", chained)):
        ratios = [mine.pace / other.pace for mine, other in zip(ours_, others, strict=True)]
        by_round = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"goal at least {goal}: {median(ratios):.2f} (median; by round: {by_round})")


def _show_race(laps: dict[str, list[Lap]], title: str) -> None:
    best = {name: race.best(rounds) for name, rounds in laps.items()}
    loop, _, chain = best.values()
    lines = [
        [
            name,
            f"{lap.pace:.0f}",
            f"{lap.pace / loop.pace:.2f}",
            f"{lap.pace / chain.pace:.2f}",
            *(
                f"{seconds / lap.polls * 1000:.2f}" if seconds else "-"
                for seconds in (lap.client, lap.database, lap.broker, lap.endpoint)
            ),
        ]
        for name, lap in best.items()
    ]
    head = ["CPU: seconds per 1000 polls", "polls/s", "of loop", "of chain"]
    show(f"Speed: {title}", [*head, "client", "database", "broker", "endpoint"], lines)


def _memory(stage: Stage, sizes: Sizes) -> None:
    progress("memory with operations waiting: this worker")
    held = waiting.of_ours(stage, sizes.waiting, sizes.settle, sizes.warm)
    progress("memory with operations waiting: naive chain")
    grown = waiting.of_chain(stage, sizes.chain_waiting, sizes.settle / 3)
    lines = [
        [
            f"{level.waiting}",
            *(f"{memory.rss:.1f} / {memory.uss:.1f}" for memory in (level.worker, level.poller)),
            f"{level.broker:.2f}",
        ]
        for level in held
    ]
    head = ["operations waiting", "worker RSS / USS", "poller RSS / USS", "broker"]
    show("Memory of this worker, MB (MONETA's schedule, due within 5 minutes)", head, lines)
    none, most = held[0], held[-1]
    over = max(most.worker.uss - none.worker.uss, most.poller.uss - none.poller.uss)
    print(f"goal at most 2 MB over none with {most.waiting} waiting: {over:.2f} MB (USS)")
    each = 1024 / grown.waiting
    print(
        f"naive chain with {grown.waiting} waiting: {grown.processes:.1f} MB more in its processes "
        f"and {grown.broker:.1f} MB in the broker, "
        f"{grown.processes * each:.1f} + {grown.broker * each:.1f} KB an operation"
    )


def _lateness(stage: Stage, sizes: Sizes) -> None:
    load = sizes.load.pace
    progress(f"lateness at {load:.0f} polls/s: this worker")
    mine = lateness.of_ours(stage, sizes.load)
    progress(f"lateness at {load:.0f} polls/s: naive chain")
    chained = lateness.of_chain(stage, sizes.load)
    slot = EngineSettings().slot.total_seconds()
    lines = [
        [name, f"{late.polls}", f"{late.p50:.2f}", f"{late.p99:.2f}"]
        for name, late in ((f"this worker (SLOT {slot:g} s)", mine), ("naive chain", chained))
    ]
    head = ["seconds from due to the endpoint", "polls", "p50", "p99"]
    show(f"Lateness at {load:.0f} polls/s", head, lines)


def _hang(stage: Stage, sizes: Sizes) -> None:
    measured = []
    for provider in sizes.hanging:
        progress(f"three providers while {provider} hangs")
        measured.append(hang.measure(stage, sizes.hang, provider))
    lines = [
        [
            f"{found.provider} hangs: {other}",
            f"{before.calls} / {during.calls}",
            *(f"{each:.2f}" for late in (before, during) for each in (late.p50, late.p99)),
            f"{during.p99 - before.p99:+.2f}",
        ]
        for found in measured
        for other, (before, during) in found.others.items()
    ]
    head = [
        "seconds from due to the endpoint",
        "calls",
        "p50",
        "p99",
        "p50 then",
        "p99 then",
        "p99",
    ]
    load = sizes.hang
    show(f"One hangs: every call to {load.time_limit:g} s, and no breaker", head, lines)
    for found in measured:
        print(
            f"goal at most 1 s more at p99 while {found.provider} hangs: {found.worst:+.2f} s "
            f"({found.hung} calls hung)"
        )


def _http(stage: Stage, sizes: Sizes) -> None:
    progress("HTTP alone")
    costs = transport.compare(stage, sizes.calls, 5)
    lines = [
        [name, f"{cost * 1000:.3f}", f"{cost / costs[transport.POSTED]:.2f}"]
        for name, cost in costs.items()
    ]
    show("HTTP alone, one thread", ["", "CPU ms a call", "ratio"], lines)


def _soap(stage: Stage, sizes: Sizes) -> None:
    progress("SOAP alone")
    costs = soap.compare(stage, sizes.calls, 5)
    lines = [
        [name, f"{cost * 1000:.3f}", f"{cost / costs[soap.BARE]:.2f}"]
        for name, cost in costs.items()
    ]
    show("SOAP alone, one thread", ["", "CPU ms a poll", "of zeep"], lines)


if __name__ == "__main__":
    main()
