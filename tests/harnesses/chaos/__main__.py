"""Run the whole system under faults. The exit status is 0 only if no promise was broken."""

import argparse
import secrets
import sys
from pathlib import Path
from typing import Final

from tests.harnesses.chaos.plan import Pace, kills, others
from tests.harnesses.chaos.report import lines
from tests.harnesses.chaos.run import Order, run
from tests.harnesses.chaos.unsound import SABOTAGES

_MINUTE: Final = 60


def main() -> int:
    """Run, and print the plan, the progress and the report."""
    given = _parser().parse_args()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    pace = Pace(kills=given.kill_every, others=given.fault_every)
    order = Order(
        seed,
        given.minutes * _MINUTE,
        rate=given.rate,
        pace=pace,
        patience=given.patience,
        sabotage=given.sabotage,
        events_apart=None if given.events is None else given.events == "apart",
    )
    _say(f"seed {seed}: ./run chaos --minutes {given.minutes:g} --seed {seed}")
    planned = (kills(seed, order.seconds, pace), others(seed, order.seconds, pace))
    _say(f"{len(planned[0])} kills and {len(planned[1])} other faults are planned")
    if given.logs is not None:
        given.logs.mkdir(parents=True, exist_ok=True)
    outcome = run(order, _say, given.logs)
    _say("")
    for line in lines(outcome):
        _say(line)
    return 0 if outcome.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    usual = Pace()
    add = parser.add_argument
    add("--minutes", type=float, default=10.0, help="minutes with faults (default: 10)")
    add("--seed", type=int, help="seed of plan and operations (default: drawn)")
    add("--rate", type=float, default=9.5, help="operations a second (default: 9.5)")
    add("--kill-every", type=float, default=usual.kills, help="seconds between kills (default: 8)")
    add(
        "--fault-every",
        type=float,
        default=usual.others,
        help="seconds between other faults (default: 13)",
    )
    add(
        "--patience", type=float, default=300.0, help="seconds for everything to end (default: 300)"
    )
    add("--logs", type=Path, help="keep every process's log in this directory")
    add("--events", choices=("apart", "shared"), help="own server for events (default: drawn)")
    add("--sabotage", choices=SABOTAGES, help="break the workers: the run must fail")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
