"""The measures of a chunk: counted as its answers come, and noted by a meter."""

import threading
from dataclasses import replace
from datetime import timedelta

from tests.support.engine.meter import RecordingMeter
from tests.support.engine.operations import NOW
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.outcomes import Outcome, Pending, Started
from worker.engine.admission import Breaker
from worker.engine.calls import Answer, Call
from worker.engine.chunk import Chunk
from worker.engine.meter import NO_METER, ChunkMeasures, Measuring, Meter
from worker.store.claims import ClaimedSnapshot

CLAIMED = ClaimedSnapshot(
    id="id",
    reference="order-1",
    provider="moneta",
    kind="identification",
    state=State.POLLING,
    attempt=1,
    args={},
    provider_ref="77",
    due_at=NOW,
    deadline_at=None,
    polls=0,
    consecutive_failures=0,
    progress=None,
    created_at=NOW,
    started_at=NOW,
    run=None,
)
NOTHING = ChunkMeasures(Provider.MONETA, 0, {}, {}, 0.0, 0.0, Breaker.CLOSED)


def measuring(*seconds_late: float) -> Measuring:
    rows = [replace(CLAIMED, due_at=NOW - timedelta(seconds=late)) for late in seconds_late]
    return Measuring(Chunk(rows, {}, {}, "token", NOW, 0.0))


def answer(call: Call, outcome: Outcome, took: int) -> Answer:
    return Answer(CLAIMED, call, outcome, NOW, took)


def test_answers_are_counted_by_call_and_outcome_as_they_come() -> None:
    chunk = measuring(2.0, 0.5, 7.25)

    chunk.count([answer(Call.SUBMIT, Started("77", "taken"), 120)])
    chunk.count(
        [answer(Call.POLL, Pending("not yet"), 30), answer(Call.POLL, Pending("not yet"), 50)]
    )

    assert chunk.measures(Provider.MONETA, Breaker.OPEN) == ChunkMeasures(
        provider=Provider.MONETA,
        claimed=3,
        calls={Call.SUBMIT: 1, Call.POLL: 2},
        outcomes={"Started": 1, "Pending": 2},
        seconds_in_calls=0.2,
        seconds_late=7.25,
        breaker=Breaker.OPEN,
    )


def test_chunk_that_only_looked_at_its_provider_has_measures_too() -> None:
    assert measuring().measures(Provider.MONETA, Breaker.CLOSED) == NOTHING


def test_meter_of_a_process_without_an_exporter_notes_nothing() -> None:
    meter: Meter = NO_METER

    meter.chunk_done(NOTHING)


def test_recording_meter_keeps_what_any_thread_gives_it() -> None:
    kept = RecordingMeter()
    meter: Meter = kept
    threads = [threading.Thread(target=meter.chunk_done, args=[NOTHING]) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert kept.chunks == (NOTHING,) * 8
