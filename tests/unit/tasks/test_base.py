"""What all tasks have in common: their name is their path, and what they log says whose it is."""

from collections.abc import Iterator, MutableMapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import structlog

# Modules and not their tasks: pytest would look into those, and Celery then asks for the settings.
from tasks import base, moneta, upkeep
from tasks.base import RegisteredTask, chunk_task, message_task, upkeep_task
from uprid_client.errors import DatabaseUnavailable
from uprid_client.names import Task
from worker.intake.message import Message
from worker.process import runtime

Logged = list[MutableMapping[str, Any]]
log = structlog.get_logger()


class Worker:
    """A runtime of which every part logs a line, and fails where it is to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.engine = SimpleNamespace(work=self._do)
        self.sweep = SimpleNamespace(run=self._do)

    def _do(self, *_: object) -> None:
        log.info("worked")
        if self.error is not None:
            raise self.error


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    # For the worker's app, which reads its settings once.
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    made = Worker()
    monkeypatch.setattr(runtime, "current", lambda: made)
    return made


@pytest.fixture
def logged() -> Iterator[Logged]:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield lines


def run(task: RegisteredTask, message_id: str = "message-1") -> Any:  # noqa: ANN401 - Celery's
    """Run a task in this process, as Celery does with a message of this id."""
    celery: Any = task
    return celery.apply(task_id=message_id, kwargs={"slot": None})


@pytest.mark.parametrize(
    "register",
    [
        pytest.param(message_task(Task.MONETA_START), id="message"),
        pytest.param(chunk_task(Task.MONETA_POLL), id="chunk"),
        pytest.param(upkeep_task(Task.SWEEP), id="upkeep"),
    ],
)
def test_task_is_not_registered_for_a_function_of_another_path(register: Any) -> None:  # noqa: ANN401
    def start_identification() -> None:
        """Stand elsewhere."""

    with pytest.raises(ValueError, match=r"test_base\.start_identification is registered as tasks"):
        register(start_identification)


@pytest.mark.parametrize(
    ("module", "name"),
    [(moneta, "poll_async_requests"), (upkeep, "sweep")],
    ids=["chunk", "upkeep"],
)
def test_line_that_is_logged_within_a_task_names_it_and_its_message(
    worker: Worker, logged: Logged, module: ModuleType, name: str
) -> None:
    run(getattr(module, name))

    assert [(line["event"], line["task"], line["task_id"]) for line in logged] == [
        ("worked", f"{module.__name__}.{name}", "message-1")
    ]


def test_nothing_of_a_task_is_named_once_it_has_ended(worker: Worker, logged: Logged) -> None:
    worker.error = LookupError()
    run(moneta.poll_async_requests)
    log.info("after")

    assert logged[-1] == {"event": "after", "log_level": "info"}


@pytest.mark.parametrize(
    ("error", "shown", "level"),
    [
        pytest.param(DatabaseUnavailable("refused"), "DatabaseUnavailable", "warning", id="outage"),
        pytest.param(KeyError("+79001234567"), "UpridError", "error", id="error of ours"),
    ],
)
def test_task_that_fails_shows_its_error_without_values(
    worker: Worker, logged: Logged, error: Exception, shown: str, level: str
) -> None:
    worker.error = error

    ended = run(moneta.poll_async_requests)

    assert type(ended.result).__name__ == shown
    assert "+79001234567" not in f"{ended.result} {ended.traceback}"
    [failed] = [line for line in logged if line["event"] == "round_failed"]
    assert (failed["task"], failed["log_level"]) == (Task.MONETA_POLL, level)


def test_message_is_tried_again_after_an_outage_and_its_lines_name_it(
    worker: Worker, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = [DatabaseUnavailable("refused"), None]
    monkeypatch.setattr(base, "_take", lambda *_: taken.pop(0))

    run(moneta.start_identification)

    assert taken == []


def test_message_whose_work_fails_is_logged_by_its_task_and_id(
    worker: Worker, logged: Logged
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailable

    with base._log_context(Task.MONETA_START, "message-1"):
        again = base._take(fail, Message("message-1", Task.MONETA_START, (), {}), None)

    assert isinstance(again, DatabaseUnavailable)
    [line] = logged
    assert (line["event"], line["task"], line["task_id"]) == (
        "message_comes_again", Task.MONETA_START, "message-1",
    )  # fmt: skip
