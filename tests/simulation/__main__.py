"""`./run simulate`: many seeds on all cores, or one with its trace."""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import Result, simulate


def main() -> int:
    """Run."""
    given = _parser().parse_args()
    if given.mutation is not None:
        names = list(MUTATIONS) if given.mutation == "all" else [given.mutation]
        seeds = range(given.first_seed, given.first_seed + given.seeds)
        with ProcessPoolExecutor(given.processes) as pool:
            for line in pool.map(partial(_search, seeds), names):
                print(line, flush=True)
        return 0
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
        print(f"the first of them (again by ./run simulate --seed {failed[0].seed}):")
        replay(failed[0].seed)
    return bool(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, help="replay this one, with its trace")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--mutation", choices=["all", *MUTATIONS], help="break the engine, and find who sees it"
    )
    return parser


def _quietly(seed: int) -> Result:
    return simulate(seed)


def _search(seeds: range, name: str) -> str:
    for seed in seeds:
        with MUTATIONS[name].applied():
            result = simulate(seed)
        if result.invariant is not None:
            return f'    "{name}": ({seed}, "{result.invariant}"),'
    return f"{name}: not seen by {len(seeds)} seeds"


def replay(seed: int) -> bool:
    """Run a seed once more and print its trace; tell whether a promise was broken."""
    result = simulate(seed, keep_trace=True)
    print(result.plan)
    print("\n".join(result.lines))
    print(f"seed {seed}: {result.detail or 'all promises kept'}; trace {result.digest[:16]}")
    return result.invariant is not None


if __name__ == "__main__":
    sys.exit(main())
