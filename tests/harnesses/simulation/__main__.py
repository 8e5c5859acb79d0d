"""`./run simulate`: run many seeds on all cores, or one seed with its trace."""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.harnesses.simulation.left import LEFT, command
from tests.harnesses.simulation.mutations import MUTATIONS
from tests.harnesses.simulation.run import Result, simulate


def main() -> int:
    """Run. The result is the exit status."""
    given = _parser().parse_args()
    if given.mutation is not None:
        return _broken(given)
    if given.seed is not None:
        return replay(given.seed)
    began, failed = time.monotonic(), []
    seen: Counter[str] = Counter()
    first: dict[str, int] = {}
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    with ProcessPoolExecutor(given.processes) as pool:
        for count, result in enumerate(pool.map(_quietly, seeds, chunksize=20), 1):
            seen.update(result.seen)
            first = dict.fromkeys(result.seen, result.seed) | first
            if result.invariant is not None:
                failed.append(result)
                print(f"seed {result.seed}: {result.detail[:300]}", flush=True)
            if count % 500 == 0:
                print(f"{count} seeds, {len(failed)} failed", flush=True)
    lasted = time.monotonic() - began
    print(
        f"{given.seeds} seeds in {lasted:.0f} s ({given.seeds / lasted:.1f} a second),"
        f" {len(failed)} failed"
    )
    for kind, times in sorted(seen.items()):
        print(f"    {kind}: {times} times, first in seed {first[kind]}")
    if failed:
        print(f"the first of them (repeat it with ./run simulate --seed {failed[0].seed}):")
        replay(failed[0].seed)
    return bool(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="number of seeds (default: 300)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--seed", type=int, help="run only this seed, and print its trace")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--mutation",
        choices=["all", "left", *MUTATIONS],
        help="break the product, and find the seed that notices; left: run the tests that notice",
    )
    return parser


def _quietly(seed: int) -> Result:
    return simulate(seed)


def _broken(given: argparse.Namespace) -> int:
    """Break the product, and print which seeds notice: the lines for caught.py and for the page."""
    if given.mutation == "left":
        return subprocess.run(command(), check=False).returncode
    names = [given.mutation]
    if given.mutation == "all":
        names = [name for name in MUTATIONS if name not in LEFT]
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    seen = {}
    with ProcessPoolExecutor(given.processes) as pool:
        for name, found in zip(names, pool.map(partial(_search, seeds), names), strict=True):
            if found is None:
                print(f"{name}: none of {len(seeds)} seeds notices", flush=True)
            else:
                seen[name] = found
                print(f'    "{name}": ({found[0]}, "{found[1]}"),', flush=True)
    print("\nRows for docs/reliability.md:\n")
    for name, found in seen.items():
        print(MUTATIONS[name].row(name, *found))
    return len(seen) < len(names)


def _search(seeds: range, name: str) -> tuple[int, str] | None:
    for seed in seeds:
        with MUTATIONS[name].applied():
            result = simulate(seed)
        if result.invariant is not None:
            return seed, result.invariant
    return None


def replay(seed: int) -> bool:
    """Run a seed again and print its trace. Return whether it broke a promise."""
    result = simulate(seed, keep_trace=True)
    print(result.plan)
    print("\n".join(result.lines))
    print(f"seed {seed}: {result.detail or 'all promises kept'}; trace {result.digest[:16]}")
    return result.invariant is not None


if __name__ == "__main__":
    sys.exit(main())
