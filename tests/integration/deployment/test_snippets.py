"""Everything that README and docs print as code is run, or parsed by what would run it.

Values that only the reader knows are filled in: `FILLED_IN` of tests/support/suite/pages.py for
commands, a broker's address and a key for Python. A block that is not run is in a table here, with
the reason. A block that is in none of the tables fails.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet

from benchmarks import __main__ as benchmarks
from config.polling import PollPolicy
from tests.harnesses.chaos import __main__ as chaos
from tests.harnesses.hostile import __main__ as hostile
from tests.harnesses.simulation import __main__ as simulation
from tests.support.engine.operations import accepted, in_state, waiting
from tests.support.processes.child import PATIENCE
from tests.support.processes.command import uprid
from tests.support.servers.real_parts import program
from tests.support.servers.valkey import ValkeyServer
from tests.support.suite.pages import (
    FILLED_IN,
    INDENTED,
    PAGES,
    ROOT,
    Block,
    blocks,
    parse,
    spans,
    without_comment,
    words_of,
)
from uprid_client.contract.catalogue import tasks_of
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.cli import documents
from worker.domain.outcomes import Reason
from worker.store import provider_pauses
from worker.store.database import Database

KEY: Final = Fernet.generate_key().decode()
BLOCKS: Final = [block for page in PAGES for block in blocks(page)]
#: Which test runs all Python, or all JSON, of a page as it is printed.
RUN_BY: Final = {
    ("README.md", "python"): "tests/acceptance/test_readme.py",
    ("docs/integration.md", "python"): "tests/integration/deployment/test_integration_page.py",
    ("docs/integration.md", "json"): "tests/integration/deployment/test_integration_page.py",
}
#: Blocks that are no code, by how they begin.
NO_CODE: Final = {
    "sequenceDiagram": "a drawing of how messages flow",
    "stateDiagram-v2": "a drawing of an operation's states",
}
#: Lines that are not run here, by how they begin.
NOT_RUN_HERE: Final = {
    "./run demo": "tests/acceptance/test_demo.py runs it; here it is looked up in `run`",
    "./run test": "it is what runs this; here it is looked up in `run`",
    "./run simulate": "takes hours; its arguments are parsed",
    "./run chaos": "takes minutes; its arguments are parsed",
    "./run hostile": "takes minutes; its arguments are parsed",
}
#: What is added to a line that would not end by itself.
ADDED: Final = {"uprid events tail": ["--no-follow"]}
#: What is put behind a command whose last option is only spoken of.
MORE: Final = {"uprid migrate --to": ["0002"]}
#: Exit statuses other than 0: without providers and workers, the doctor has faults to report.
STATUSES: Final = {"doctor": {0, 1}}
#: The parsers of the commands of `./run` that take arguments of their own.
PARSERS: Final[dict[str, Callable[[], argparse.ArgumentParser]]] = {
    "bench": benchmarks._parser,
    "chaos": chaos._parser,
    "hostile": hostile._parser,
    "simulate": simulation._parser,
}
on_one_database = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def is_shell(block: Block) -> bool:
    return block.language in {INDENTED, "sh", "bash", "shell", "console"}


def is_no_code(block: Block) -> bool:
    return any(block.text.startswith(begin) for begin in NO_CODE)


def lines() -> list[Any]:
    """Return every line of every shell block, once, as a test's parameters."""
    found: dict[str, str] = {}
    for block in BLOCKS:
        if is_shell(block) and not is_no_code(block):
            for number, line in enumerate(block.text.splitlines()):
                if without_comment(line) and not line.startswith("#"):
                    found.setdefault(line.strip(), f"{block.page}:{block.line + number}")
    return [pytest.param(line, id=place) for line, place in found.items()]


def commands_in_spans(program: str) -> list[str]:
    """Return the commands that are named within the text of all pages."""
    found = {span for page in PAGES for span in spans(page) if span.startswith(f"{program} ")}
    return sorted(each for each in found if re.match(rf"{re.escape(program)} [a-z]", each))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_block_is_run_or_says_why_not(block: Block) -> None:
    if (block.page, block.language) in RUN_BY:
        runner = (ROOT / RUN_BY[block.page, block.language]).read_text("utf-8")
        assert Path(block.page).name in runner
    else:
        assert is_shell(block) or is_no_code(block), f"nothing runs a {block.language!r} block"


@pytest.mark.parametrize("begin", [*NO_CODE, *NOT_RUN_HERE])
def test_every_excuse_is_needed(begin: str) -> None:
    assert any(line.startswith(begin) for block in BLOCKS for line in block.text.splitlines())


@pytest.mark.parametrize("line", lines())
@on_one_database
def test_line_of_a_shell_does_what_it_says(
    line: str,
    database: Database,
    migrated_url: str,
    valkey: ValkeyServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if any(line.startswith(begin) for begin in NOT_RUN_HERE):
        _look_up(words_of(line))
        return
    name, *words = words_of(line)
    if name == "redis-cli":
        _ask_the_broker([valkey.url if word == "$REDIS_URL" else word for word in words])
        return
    assert name == "uprid", "only uprid, redis-cli and ./run are run here"
    parse(words)
    words += next((more for begin, more in ADDED.items() if line.startswith(begin)), [])
    _prepare(database, words)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.jsonl").write_text('{"reference": "order-1", "unit_id": 1000}\n', "utf-8")
    settings = {
        "DATABASE_URL": migrated_url,
        "REDIS_URL": valkey.url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": "f" * 32,
    }

    run = uprid(settings, *words, stdin="order-1\n" if " < " in line else "")

    assert run.status in STATUSES.get(words[0], {0}), run.err


def _ask_the_broker(words: list[str]) -> None:
    """Have a broker's own client do what a page says; it exits with 0 for an error, too."""
    command = [str(program("redis-cli", "redis-tools")), *words]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=30 * PATIENCE, check=True
    )
    assert not ended.stdout.startswith(("ERR", "(error)")), ended.stdout


def _prepare(database: Database, words: list[str]) -> None:
    """Bring what a command names into the state that it is for."""
    reason = Reason(ReasonCode.UNKNOWN_ANSWER, "Nobody knows this answer.", retryable=True)
    name, *rest = words
    named = [word for word in rest if re.fullmatch(r"order-\d+|july", word)]
    for reference in named or ["order-1"]:
        if name == "retry":
            in_state(database, State.REJECTED, reference)
        elif name in {"resume", "resolve"}:
            waiting(database, State.SUBMITTING, reason, reference)
        elif name == "answer":
            waiting(database, State.POLLING, reason, reference, answer=_answer())
        else:
            accepted(database, reference, now=database.now())
    if name == "unpause":
        with database.begin() as connection:
            provider_pauses.pause(connection, Provider.MONETA, "anna", "login", database.now())


def _answer() -> str:
    return Sealer([KEY]).seal({"answer": 1})


def _look_up(words: list[str]) -> None:
    """Find a command of `./run`, and have its parser take its arguments."""
    name, arguments = words[1], words[2:]
    script = (ROOT / "run").read_text("utf-8")
    assert re.search(rf"^{name}\)", script, re.MULTILINE), f"./run has no command {name}"
    if name in PARSERS:
        PARSERS[name]().parse_args(arguments)


@pytest.mark.parametrize("command", commands_in_spans("uprid"))
def test_command_that_a_text_names_can_be_typed(command: str) -> None:
    # A pipe ends what is ours of it.
    words = words_of(command.partition("|")[0])[1:]
    parse(words + MORE.get(command, []))


@pytest.mark.parametrize("command", commands_in_spans("./run"))
def test_command_of_run_that_a_text_names_can_be_typed(command: str) -> None:
    words = words_of(command.replace("[", "").replace("]", ""))
    if words[1] == "python":  # any program of the environment
        return
    _look_up(words)


def _objects() -> list[str]:
    """Return the JSON objects that stand within a page's text, and not as a pattern."""
    found = {span for page in PAGES for span in spans(page) if span.startswith('{"')}
    return sorted(each for each in found if not re.search(r"\{[a-z]|\?[,}]|: …", each))


@pytest.mark.parametrize("text", _objects())
def test_json_that_a_text_shows_is_json(text: str) -> None:
    found = json.loads(text.replace("{…}", "{}"))

    if "task" in found:
        provider = next(each for each in Provider if _has(each, found["task"]))
        documents.read(json.dumps(found), provider)
    if "steps" in found:
        PollPolicy.model_validate(found)


def _has(provider: Provider, task: str) -> bool:
    return any(known.value.endswith(f".{task}") for known in tasks_of(provider))


def test_what_is_filled_in_is_no_word_that_a_command_has() -> None:
    assert not set(FILLED_IN) & {"moneta", "npd", "mandarin", "intellectmoney"}
