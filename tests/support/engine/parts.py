"""A worker's parts put together as in its process, none of them running."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import pytest
from celery import Celery

from config.celery import configuration
from config.settings import Need, load
from worker.process import runtime as runtimes
from worker.process.masking import MaskedAMQP
from worker.process.runtime import Runtime


@contextmanager
def worker_parts(
    monkeypatch: pytest.MonkeyPatch, broker_url: str, settings: Mapping[str, str]
) -> Iterator[Runtime]:
    """Give the parts that a worker of these settings has, the broker's address among them."""
    for name, value in {"REDIS_URL": broker_url, **settings}.items():
        monkeypatch.setenv(name, value)
    # Not the worker's own app: that one reads its settings once in a process.
    app = Celery("parts", amqp=MaskedAMQP, set_as_current=False)
    app.conf.update(configuration(broker_url, timedelta(minutes=15)))
    made = runtimes.build(app, load([Need.BROKER, Need.KEYS]), "worker")
    yield made
    made.engine.close()
    made.database.dispose()
    made.background.dispose()
    app.close()
