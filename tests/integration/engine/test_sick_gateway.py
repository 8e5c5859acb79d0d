"""A real plugin behind a gateway that answers 503: what it costs to find out when it is back."""

from contextlib import closing
from datetime import timedelta

from tests.support.engine.broker import MemoryBroker
from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import operations, start
from tests.support.engine.process import SEALER, Poller
from tests.support.loopback.http_stub import Answer, HttpStub
from tests.support.providers import mandarin
from tests.support.providers.mandarin import BY_SNILS, SESSION
from uprid_client.contract.states import State
from worker.providers.mandarin.plugin import MandarinPlugin
from worker.store.tables import OPERATIONS

PERIODS = 24


def test_gateway_that_answers_503_parks_no_more_people_than_it_took_to_find_it_sick(
    migrated_url: str,
) -> None:
    with HttpStub(Answer(status=503)) as gateway:
        database = TravellingDatabase(migrated_url)
        settings = mandarin.settings(
            gateway.url, breaker_reset=timedelta(seconds=1), breaker_failures=5, threads=1
        )
        plugin = MandarinPlugin(settings)
        with closing(Poller(database, plugin, MemoryBroker(database))) as poller:
            sealed, give_up_at = SEALER.seal(BY_SNILS), poller.give_up_at()
            poller.accept(
                *(
                    start(f"order-{number}", sealed=sealed, give_up_at=give_up_at)
                    for number in range(60)
                )
            )
            with database.begin() as connection:
                connection.execute(
                    OPERATIONS.update()
                    .where(OPERATIONS.c.reference.in_([f"order-{n}" for n in range(30)]))
                    .values(state=State.POLLING.value, lane=1, provider_ref=SESSION, attempt=1)
                )
            poller.run(PERIODS)
            parked = [row for row in operations(database) if row["state"] == "waiting_for_person"]
            assert len(parked) <= 5
            assert len([each for each in gateway.asked if each.method == "GET"]) >= PERIODS / 2
        plugin.close()
        database.dispose()
