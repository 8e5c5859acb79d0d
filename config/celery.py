"""Settings → Celery's configuration. Pure, and the same for all that connect by Celery.

A client with another visibility timeout is enough to have every waiting message delivered a second
time, so worker, poller, beat and Flower all get theirs from here. `uprid_client` only sends: it has
no Celery and no such timeout.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from config.kombu_address import kombu_options
from config.queues import CHUNK_QUEUES, INTAKE_QUEUES, UPKEEP_QUEUE
from uprid_client.names import Task
from uprid_client.redis_server.options import CONNECT_TIMEOUT, SOCKET_TIMEOUT
from uprid_client.redis_server.reading import parse


def configuration(
    broker_url: str,
    visibility_timeout: timedelta,
    sweep_every: timedelta = timedelta(seconds=2),
) -> dict[str, Any]:
    """Return Celery's configuration.

    Raises `RedisAddressError` where the address cannot be used.
    """
    seconds = visibility_timeout.total_seconds()
    broker = kombu_options(parse(broker_url))
    return {
        **broker,
        "broker_transport_options": {
            **broker["broker_transport_options"],
            **transport_options(seconds),
        },
        "visibility_timeout": seconds,
        # A broker that is away is waited for, however long, at the start as in the middle; an
        # answer such as READONLY during a fail-over must not end the worker either.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        "broker_pool_limit": 32,
        "task_publish_retry_policy": {
            "max_retries": 2,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "result_backend": None,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "timezone": "UTC",
        "enable_utc": True,
        "task_default_queue": UPKEEP_QUEUE,
        "task_create_missing_queues": True,
        "task_routes": None,
        # Leases, sessions and connections belong to one process: nothing of ours survives a fork.
        "worker_pool": "threads",
        "worker_prefetch_multiplier": 1,
        # Running tasks of ours are short and fenced: a lost connection is no reason to cut a call.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Prefetch is put back by itself after a reconnect; lowering it only slows the way back.
        "worker_enable_prefetch_count_reduction": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "beat_schedule": {
            # A second trigger: every worker process sweeps by itself.
            "sweep": {
                "task": Task.SWEEP.value,
                "schedule": max(sweep_every.total_seconds() * 5, 5),
            },
        },
        # Beat's own file: its entries are all of the above, so losing it loses nothing.
        "beat_schedule_filename": "var/beat-schedule",
    }


def transport_options(visibility_timeout: float) -> Mapping[str, Any]:
    """Return what every connection to the broker has in common. Seconds."""
    # No key prefix: the marketplace enqueues with its own Celery, by queue name alone.
    return {
        "visibility_timeout": visibility_timeout,
        # How often unacknowledged messages are looked at: 30 s, not the default's 100.
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 3,
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }


def queues_of(role: str) -> tuple[str, ...]:
    """Return the queues that a role of the Procfile consumes."""
    return CHUNK_QUEUES if role == "poller" else INTAKE_QUEUES
