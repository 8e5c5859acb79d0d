"""Celery's configuration and the names that messages travel under."""

from datetime import timedelta

import pytest

from config.celery import configuration, queues_of, transport_options
from config.queues import CHUNK_QUEUES, INTAKE_QUEUES, PROVIDER_TASKS, Wake, chunk_queue
from uprid_client.names import Provider, Task

BROKER = "redis://127.0.0.1:6379/0"
TIMEOUT = timedelta(minutes=15)


def test_configuration_is_the_same_whoever_asks() -> None:
    assert configuration(BROKER, TIMEOUT) == configuration(BROKER, TIMEOUT)


def test_configuration_gives_every_connection_the_same_visibility_timeout() -> None:
    made = configuration(BROKER, TIMEOUT)

    assert made["visibility_timeout"] == 900
    assert made["broker_transport_options"]["visibility_timeout"] == 900
    assert transport_options(900).items() <= made["broker_transport_options"].items()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        ("result_backend", None),
        ("task_ignore_result", True),
        ("task_store_errors_even_if_ignored", False),
        ("worker_prefetch_multiplier", 1),
        ("broker_channel_error_retry", True),
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
        ("enable_utc", True),
        ("timezone", "UTC"),
        ("task_send_sent_event", False),
    ],
)
def test_configuration_keeps(name: str, value: object) -> None:
    assert configuration(BROKER, TIMEOUT)[name] == value


def test_configuration_sets_no_limit_on_waiting_messages() -> None:
    """`worker_eta_task_limit` keeps an instant task waiting, and the prefetch low ever after."""
    assert "worker_eta_task_limit" not in configuration(BROKER, TIMEOUT)


@pytest.mark.parametrize(("sweep_every", "schedule"), [(2, 10), (0.1, 5)])
def test_beat_is_a_second_trigger_of_the_sweep(sweep_every: float, schedule: float) -> None:
    made = configuration(BROKER, TIMEOUT, timedelta(seconds=sweep_every))

    [entry] = made["beat_schedule"].values()
    assert entry == {"task": "tasks.upkeep.sweep", "schedule": schedule}


def test_roles_consume_every_queue_and_none_of_each_others() -> None:
    worker, poller = set(queues_of("worker")), set(queues_of("poller"))

    providers = {"moneta", "npd", "mandarin", "intellectmoney"}
    assert worker == set(INTAKE_QUEUES) == providers | {"operations", "upkeep"}
    assert poller == set(CHUNK_QUEUES) == {f"{provider}.chunks" for provider in providers}
    assert not worker & poller


def test_every_provider_has_tasks_and_a_queue_of_its_own() -> None:
    assert set(PROVIDER_TASKS) == set(Provider)
    assert len({chunk_queue(provider) for provider in Provider}) == len(Provider)


def test_tasks_are_the_names_of_the_contract() -> None:
    tasks = PROVIDER_TASKS[Provider.MONETA]

    assert tasks.start == (Task.MONETA_START,)
    assert tasks.chunk(Wake.POLL) == "tasks.moneta.poll_async_requests"
    assert tasks.chunk(Wake.SETTLE) == "tasks.moneta.check_profiles"
    assert PROVIDER_TASKS[Provider.NPD].chunk(Wake.POLL) == "tasks.npd.advance"
    assert PROVIDER_TASKS[Provider.MANDARIN].chunk(Wake.SETTLE) == "tasks.mandarin.poll_statuses"
    queued = PROVIDER_TASKS[Provider.INTELLECTMONEY].chunk(Wake.POLL)
    assert queued == "tasks.intellectmoney.poll_queued_operations"
    assert str(Task.MONETA_START) == "tasks.moneta.start_identification"
    assert str(Task.RETRY) == "tasks.operations.retry"
