"""A sample of the calls that follow each other. `./run hostile` makes as many as wanted."""

from random import Random

import pytest

from tests.harnesses.hostile import calls
from tests.harnesses.hostile.calls import ASKED, Bench, Case
from tests.harnesses.hostile.connection import skipping

every_provider = pytest.mark.parametrize("provider", ASKED)


@every_provider
def test_no_reply_reaches_another_call(provider: str) -> None:
    tally = calls.run(1, 150, asked=(provider,))

    assert not tally.findings, "\n".join(map(str, tally.findings))
    # A harness in which no call got its own reply would find nothing either.
    assert tally.outcomes["own"] >= 100


@every_provider
def test_calls_come_to_their_own_replies_where_nothing_is_wrong(provider: str) -> None:
    with skipping() as clock:
        bench = Bench(provider, clock)
        try:
            for number in range(30):
                made = bench.case(Random(number), number)  # noqa: S311 - to be had again
                outcomes, wrongs = bench.run(Case(number, made.calls, {}, {}))
                assert wrongs == []
                assert set(outcomes) == {"own"}
        finally:
            bench.close()


def test_case_is_the_same_again_by_its_number() -> None:
    with skipping() as clock:
        benches = [Bench("mandarin", clock) for _ in range(2)]
        try:
            for number in range(1, 40):
                one, other = (
                    each.case(Random(number), number)  # noqa: S311 - to be had again
                    for each in benches
                )
                assert one.mutations == other.mutations
                assert [call.name for call in one.calls] == [call.name for call in other.calls]
                assert benches[0].run(one) == benches[1].run(other)
        finally:
            for each in benches:
                each.close()
