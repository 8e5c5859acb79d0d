"""A task is found by the name that it is enqueued by: it is a function of that module."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from config.queues import TASK_MODULES
from uprid_client.names import Task

#: In a process of its own: the worker's app reads its settings once, and for all tests.
_ASK = """
import json
from config.queues import Task
from importlib import import_module
found = {}
for task in Task:
    module, _, function = task.value.rpartition(".")
    registered = getattr(import_module(module), function)
    found[task.value] = [registered.name, registered.__name__, registered.__doc__]
from worker.process.app import app
app.finalize()
print(json.dumps([found, sorted(name for name in app.tasks)]))
"""


@pytest.fixture(scope="module")
def answer() -> tuple[dict[str, list[str]], list[str]]:
    """What the tasks say of themselves, and all that the app has registered."""
    ran = subprocess.run(
        [sys.executable, "-c", _ASK],
        env={"REDIS_URL": "redis://127.0.0.1:1/0", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    found, registered = json.loads(ran.stdout)
    return found, registered


@pytest.mark.parametrize("task", Task)
def test_task_is_imported_under_its_path_and_has_it_for_its_name(
    task: Task, answer: tuple[dict[str, list[str]], list[str]]
) -> None:
    name, function, documentation = answer[0][task.value]

    assert name == task.value
    assert function == task.value.rpartition(".")[2]
    assert documentation


def test_app_has_no_other_tasks(answer: tuple[dict[str, list[str]], list[str]]) -> None:
    assert answer[1] == sorted(task.value for task in Task)


def test_modules_of_tasks_are_all_loaded_by_a_worker() -> None:
    assert {task.value.rpartition(".")[0] for task in Task} == set(TASK_MODULES)
    assert all(find_spec(module) for module in TASK_MODULES)
