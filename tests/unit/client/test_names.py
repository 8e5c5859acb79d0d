"""Names of the contract."""

import re

from uprid_client.names import Provider, Task


def test_task_stands_in_the_module_that_its_name_says() -> None:
    modules = {task.rpartition(".")[0] for task in Task}

    assert modules == {
        "tasks.operations",
        "tasks.upkeep",
        *(f"tasks.{provider}" for provider in Provider),
    }
    assert [task for task in Task if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", task)] == []
