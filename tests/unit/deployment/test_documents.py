"""The pages name every alert and task that there is, and link only to what there is.

What they show of commands and code is held by tests/integration/deployment/test_snippets.py.
"""

import re
from pathlib import Path

import pytest

from config.queues import PROVIDER_TASKS
from tests.support.suite.pages import PAGES
from uprid_client.contract.events import EventType
from uprid_client.names import Task
from worker.cli import steps

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
INTEGRATION = (ROOT / "docs" / "integration.md").read_text("utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ROOMS = re.findall(r"^\| `([a-z/]+)/` \|", ARCHITECTURE, re.MULTILINE)
#: The page has the folders as they are to be.
#: Published all day long: no alerts.
_ORDINARY = {
    EventType.ACCEPTED,
    EventType.STARTED,
    EventType.INPUT_REQUIRED,
    EventType.SUCCEEDED,
    EventType.REJECTED,
    EventType.EXPIRED,
    EventType.FAILED,
    EventType.CANCELLED,
    EventType.PROVIDER_UNPAUSED,
}


@pytest.mark.parametrize("event", sorted(set(EventType) - _ORDINARY))
def test_runbook_explains_every_event_that_is_an_alert(event: EventType) -> None:
    assert f"`{event}`" in RUNBOOK


@pytest.mark.parametrize("reason", sorted(steps.BY_REASON))
def test_runbook_says_what_to_do_for_every_reason_to_wait(reason: str) -> None:
    assert f"`{reason}`" in RUNBOOK.partition("## What waits")[2]


def _errors_logged() -> list[str]:
    pattern = re.compile(r'log\.(?:error|exception)\(\s*"(\w+)"')
    files = [*(ROOT / "worker").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]
    found = {name for file in files for name in pattern.findall(file.read_text("utf-8"))}
    return sorted(found)


@pytest.mark.parametrize("event", _errors_logged())
def test_runbook_explains_every_error_that_is_logged(event: str) -> None:
    assert f"`{event}`" in RUNBOOK


def _looked_at_by_the_doctor() -> list[str]:
    pattern = re.compile(r'(?:fault|warning)\(\s*f?"([^"]+)",')
    files = (ROOT / "worker/cli/doctor").glob("*.py")
    found = {name for file in files for name in pattern.findall(file.read_text("utf-8"))}
    assert found
    return sorted(name.replace("{name}", "moneta") for name in found)


@pytest.mark.parametrize("name", _looked_at_by_the_doctor())
def test_runbook_explains_what_the_doctor_finds(name: str) -> None:
    known = {"{role}s": "workers"}

    assert f"`{known.get(name, name).replace('{what}', 'broker')}" in RUNBOOK


_SENT_BY_OTHERS = [
    *(task for tasks in PROVIDER_TASKS.values() for task in tasks.start),
    Task.MONETA_CALLBACK,
    Task.NPD_NOTIFICATION,
    Task.MANDARIN_CODE,
    Task.RETRY,
    Task.RESUME,
    Task.RESOLVE,
    Task.CANCEL,
]


@pytest.mark.parametrize("task", _SENT_BY_OTHERS)
def test_pages_have_a_row_for_every_task_that_others_may_send(task: Task) -> None:
    assert f"| `{task}` |" in README
    assert f"| `{task}` | `" in INTEGRATION


@pytest.mark.parametrize("event", sorted(EventType))
def test_readme_has_a_row_for_every_event(event: EventType) -> None:
    assert f"| `{event}` |" in README


@pytest.mark.parametrize("room", ROOMS)
def test_architecture_page_names_only_folders_that_exist(room: str) -> None:
    assert (ROOT / room).is_dir()


def test_architecture_page_has_every_folder_of_the_worker() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("worker/*/*.py")}

    assert folders - set(ROOMS) == set()


def test_architecture_page_follows_an_operation_through_files_that_exist() -> None:
    files = re.findall(r"^\d+\. `([a-z_/]+\.py)`", ARCHITECTURE, re.MULTILINE)

    assert len(files) > 5
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("section", re.split(r"^## ", README, flags=re.MULTILINE))
def test_readme_has_sections_of_one_screen(section: str) -> None:
    assert section.count("\n") <= 50


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_link_only_to_files_and_headings_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text("utf-8"))

    for path, heading in links:
        linked = page.parent / path if path else page
        assert linked.exists(), path
        assert not heading or heading in _headings(linked), heading


def _headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made of them on the web."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_every_decision_has_a_number_of_its_own_and_its_parts() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    numbers = [int(decision.name.partition("-")[0]) for decision in decisions]
    assert len(set(numbers)) == len(numbers)
    for number, decision in zip(numbers, decisions, strict=True):
        text = decision.read_text("utf-8")
        assert decision.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences"))
