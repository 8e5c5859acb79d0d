"""Each fault has its effect each time, even after earlier faults."""

from tests.harnesses.chaos.faults import look_in
from tests.support.servers.fresh import valkey_server


def test_stranger_looks_in_again_after_the_broker_was_killed() -> None:
    with valkey_server() as broker:
        look_in(broker.url)
        broker.kill()
        broker.start()

        look_in(broker.url)

        with broker.client() as server:
            assert server.info("commandstats")["cmdstat_publish"]["calls"] > 0
