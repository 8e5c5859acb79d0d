"""A Celery app of ours takes its settings from nowhere but its settings."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.celery import configuration
from worker.process.celery_app import OwnCelery

OURS = "redis://ours:6379/0"
FOREIGN = {
    "CELERY_BROKER_URL": "amqp://theirs",
    "CELERY_BROKER_READ_URL": "amqp://theirs",
    "CELERY_BROKER_WRITE_URL": "amqp://theirs",
    "CELERY_RESULT_BACKEND": "redis://theirs",
    "CELERY_CONFIG_MODULE": "celeryconfig",
    "CELERY_LOADER": "theirs.Loader",
    "CELERY_TASK_ALWAYS_EAGER": "true",
    "DJANGO_SETTINGS_MODULE": "theirs.settings",
}


def made() -> OwnCelery:
    return OwnCelery("ours", configuration(OURS, timedelta(minutes=15)), set_as_current=False)


@pytest.mark.parametrize("name", FOREIGN)
def test_app_is_not_changed_by_a_variable(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "celeryconfig.py").write_text("broker_url = 'amqp://theirs'\ntask_always_eager = 1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(name, FOREIGN[name])

    app = made()

    assert {app.conf.broker_url, app.conf.broker_read_url, app.conf.broker_write_url} == {OURS}
    for connection in (app.connection(), app.connection_for_read(), app.connection_for_write()):
        assert (connection.transport_cls, connection.hostname) == ("redis", "ours")
    assert app.conf.result_backend is None
    assert app.conf.task_always_eager is False
    assert type(app.loader).__name__ == "OwnLoader"
    assert app.conf.task_default_queue == "upkeep"


def test_app_imports_what_is_installed_and_not_what_lies_in_the_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "queues.py").write_text("raise SystemExit('theirs')")
    monkeypatch.chdir(tmp_path)

    assert made().loader.import_from_cwd("config.queues").Provider


def test_app_runs_no_task_that_celery_brings_along() -> None:
    app = made()
    app.finalize()

    # Where another test has imported our own tasks, they are there.
    assert [name for name in app.tasks if name.startswith("celery.")] == []
