"""`./run hostile`: break the replies of one provider or of all of them, N cases each."""

import argparse
import resource
import sys

from tests.harnesses.hostile import calls, notifications, sockets
from tests.harnesses.hostile.trial import PROVIDERS, Tally, run

SOCKETS = "sockets"
EVERYTHING = (*PROVIDERS, calls.PROVIDER, notifications.PROVIDER, SOCKETS)


def main() -> int:
    """Run; return 1 if there was a finding."""
    asked = _parser().parse_args()
    found = 0
    for provider in asked.provider or EVERYTHING:
        if provider == SOCKETS:
            found += over_sockets()
            continue
        if provider == notifications.PROVIDER:
            tally = notifications.run(asked.first_seed, asked.cases, asked.most)
        elif provider == calls.PROVIDER:
            tally = calls.run(asked.first_seed, asked.cases, asked.most)
        else:
            tally = run(provider, asked.first_seed, asked.cases, most_findings=asked.most)
        found += len(tally.findings)
        print(report(provider, tally), flush=True)  # noqa: T201 - the report is the product
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run hostile", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=2_000, help="for each provider (default: 2000)"
    )
    parser.add_argument("--provider", choices=EVERYTHING, action="append", help="default: all")
    parser.add_argument("--first-seed", type=int, default=1, help="the first case (default: 1)")
    parser.add_argument("--most", type=int, default=20, help="findings to stop after (default: 20)")
    return parser


def over_sockets() -> int:
    """Run every script over a real connection. Return how many of them went wrong."""
    bad = 0
    for name, script in sockets.SCRIPTS.items():
        took = sockets.ask(script, "soap" if "elements" in name else "json")
        wrongs = list(took.wrongs())
        bad += bool(wrongs)
        said = "; ".join(wrongs) or "ok"
        grown = took.memory // 1024
        note = f"{took.outcome.note}, {took.seconds:.2f} s, {grown} kB more"
        print(f"{SOCKETS}: {name}: {note}: {said}", flush=True)  # noqa: T201 - as above
    return bad


def report(provider: str, tally: Tally) -> str:
    """Return the lines about one provider's cases."""
    rate = tally.cases / max(tally.seconds, 0.001)
    outcomes = ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        1024 if sys.platform != "darwin" else 1024 * 1024
    )
    found = (
        f"{len(tally.findings)} findings; slowest {tally.slowest:.2f} s, peak {peak} MB of memory"
    )
    lines = [
        f"{provider}: {tally.cases} cases in {tally.seconds:.0f} s ({rate:.0f}/s), {found}",
        f"  {outcomes}",
        *(f"  {each}" for each in tally.findings),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
