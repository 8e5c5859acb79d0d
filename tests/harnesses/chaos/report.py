"""The report: which faults were made, how operations ended, and whether the promises were kept."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.harnesses.chaos.fleet import Stop
from tests.harnesses.chaos.ledger import Finding, Kind
from tests.harnesses.chaos.plan import KILLED, Fault
from tests.harnesses.chaos.rates import Back
from tests.harnesses.chaos.watch import Gap

#: Findings of one kind that are printed in full.
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """All results of a run."""

    seed: int
    seconds: float
    operations: int
    #: Messages sent, and how often the broker did not take one.
    messages: int
    not_taken: int
    events: int
    deliveries: int
    interruptions: int
    faults: Mapping[Fault, int]
    #: How operations ended, by the type and reason of their last event.
    ends: Mapping[str, int]
    findings: Sequence[Finding]
    #: Refused messages by their reason.
    refusals: Mapping[str, int] = field(default_factory=dict)
    gap: Gap = field(default_factory=Gap)
    returns: Sequence[Back] = ()
    stops: Sequence[Stop] = ()
    #: Requests at each provider.
    requests: Mapping[str, int] = field(default_factory=dict)
    #: Replies after interim ones, and idle connections to providers that were closed.
    interim: int = 0
    closed_at_rest: int = 0

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings

    @property
    def kills(self) -> int:
        """Processes that were killed or stopped."""
        return sum(count for fault, count in self.faults.items() if fault in KILLED)

    def count(self, *kinds: Kind) -> int:
        """Return the number of findings of some kinds."""
        return sum(finding.kind in kinds for finding in self.findings)


def lines(outcome: Outcome) -> Iterator[str]:
    """Yield the lines of the report."""
    others = sum(outcome.faults.values()) - outcome.kills
    yield f"seed                  {outcome.seed}"
    yield f"duration              {outcome.seconds:.0f} s"
    yield f"operations            {outcome.operations}"
    yield f"messages              {outcome.messages}, not taken {outcome.not_taken} times"
    yield (
        f"events                {outcome.events}, delivered {outcome.deliveries} times, "
        f"reading failed {outcome.interruptions} times"
    )
    yield from (f"requests              {name}: {n}" for name, n in outcome.requests.items())
    yield (
        f"gateway               {outcome.interim} replies after interim ones, "
        f"{outcome.closed_at_rest} idle connections closed"
    )
    yield f"process kills         {outcome.kills}"
    yield f"other faults          {others}"
    yield from (f"  {fault.value:<45} {outcome.faults.get(fault, 0):>4}" for fault in Fault)
    yield "ends"
    yield from (f"  {end:<45} {n:>4}" for end, n in sorted(outcome.ends.items()))
    if outcome.refusals:
        yield "messages refused"
    yield from (f"  {reason:<45} {n:>4}" for reason, n in sorted(outcome.refusals.items()))
    gap = outcome.gap
    yield (
        f"longest gap in polls  {gap.lasted:.1f} s, from {gap.at:.0f} s on, after: "
        f"{gap.after or 'the beginning'}"
    )
    yield from (_returned(back) for back in outcome.returns)
    clean = [stop.took for stop in outcome.stops if not stop.forced]
    if clean:
        yield f"slowest clean stop    {max(clean):.1f} s of {len(clean)}"
    if forced := len(outcome.stops) - len(clean):
        yield f"forced stops          {forced}, each at a server that was silent"
    yield f"lost                  {outcome.count(Kind.LOST, Kind.NEVER_TAKEN, Kind.UNTOLD)}"
    yield f"doubled ends          {outcome.count(Kind.DOUBLED)}"
    yield f"repeated calls        {outcome.count(Kind.REPEATED)}"
    yield from _spelt_out(outcome.findings)
    yield "every promise was kept" if outcome.passed else "NOT every promise was kept"


def _returned(back: Back) -> str:
    lasted, count = back.first_second
    return (
        f"provider back         {back.provider}: {count} requests in the first {lasted:.2f} s, "
        f"rate {back.rate:g}"
    )


def _spelt_out(findings: Sequence[Finding]) -> Iterator[str]:
    shown: Counter[Kind] = Counter()
    for finding in findings:
        shown[finding.kind] += 1
        if shown[finding.kind] <= _SHOWN:
            yield f"! {finding.kind.value:<12} {finding.what}: {finding.detail}"
    for kind, count in shown.items():
        if count > _SHOWN:
            yield f"! {kind.value:<12} … and {count - _SHOWN} more"
