"""The consumer outlives what Celery's own dies of, with real channels of a real broker."""

from collections.abc import Iterator

import pytest
from celery import Celery
from kombu.asynchronous import Hub
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.message import Message

from tests.support.servers.valkey import ValkeyServer, valkey_server
from worker.process.consumer import SturdyConsumer


class Acknowledging(SturdyConsumer):
    """A consumer that does nothing but acknowledge, in an event loop of its own."""

    def __init__(self) -> None:
        self.hub = Hub()

    def run_soon(self) -> None:
        """Do what was to be done soon."""
        for each in self.hub._pop_ready():
            each()


@pytest.fixture
def consumer() -> Acknowledging:
    return Acknowledging()


@pytest.fixture
def broker() -> Iterator[ValkeyServer]:
    """A broker of the test's own, to be killed."""
    with valkey_server() as server:
        yield server


@pytest.fixture
def app(broker: ValkeyServer) -> Celery:
    made = Celery("consuming", broker=broker.url, set_as_current=False)
    made.conf.update(task_ignore_result=True)
    return made


def received(app: Celery, connection: Connection) -> Message:
    """Return a message that was taken from the broker by this connection."""
    app.send_task("tasks.nothing", queue="nothing")
    message = Queue("nothing")(connection.default_channel).get()
    assert isinstance(message, Message)
    return message


def test_message_is_acknowledged(
    consumer: Acknowledging, app: Celery, broker: ValkeyServer
) -> None:
    with app.connection_for_read() as connection, broker.client() as server:
        message = received(app, connection)
        assert server.hlen("unacked") == 1

        consumer.call_soon_ack(message.ack)
        consumer.run_soon()

        assert server.hlen("unacked") == 0


def test_message_whose_connection_is_gone_ends_nothing_and_stays_with_the_broker(
    consumer: Acknowledging, app: Celery, broker: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = app.connection_for_read()
    message = received(app, connection)
    broker.kill()
    with monkeypatch.context() as half_closed:
        # As kombu leaves a connection that broke while it was closed.
        message.channel._disconnect_pools()
        half_closed.setattr(message.channel.connection, "client", None)
        broker.start()

        consumer.call_soon_ack(message.ack)
        consumer.run_soon()

    with broker.client() as server:
        assert server.hlen("unacked") == 1
    connection.close()


def test_other_trouble_with_a_message_is_not_hidden(consumer: Acknowledging) -> None:
    def fails() -> None:
        raise KeyError

    consumer.call_soon_ack(fails)

    with pytest.raises(KeyError):
        consumer.run_soon()
