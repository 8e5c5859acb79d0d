"""`uprid` with the files and terminals that people have: none of them ends it in a traceback."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.engine.invoices import KEY, invoice, money, store
from tests.support.engine.operations import accepted
from tests.support.messages.enqueued import arguments, enqueued
from tests.support.processes.child import PATIENCE, environment
from tests.support.processes.command import on_a_terminal, uprid
from tests.support.servers.fresh import SqliteFiles
from tests.support.servers.valkey import ValkeyServer
from worker.local import secretfile
from worker.store.database import Database

Settings = Mapping[str, str]
ROOT: Final = Path(__file__).parents[3]
REFERENCE: Final = "заказ-ё"
#: A command of every kind: tables, JSON, lines, a file's content, help.
COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("list",),
    ("list", "--json"),
    ("list", "--plain"),
    ("show", REFERENCE),
    ("doctor",),
    ("invoices", "export"),
    ("invoices", "export", "--format", "jsonl"),
    ("events", "tail", "--all", "--no-follow"),
    ("keys", "generate"),
    ("sandbox", "--scenarios"),
    ("pause", "moneta", "--note", "наладка"),
    ("retry", "--help"),
)
#: As where the locale is C and Python is kept from knowing better.
NARROW: Final = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    status: int
    out: bytes
    err: str


@pytest.fixture
def databases(sqlite: SqliteFiles) -> SqliteFiles:
    """SQLite alone: nothing here is about the database."""
    return sqlite


@pytest.fixture
def settings(database: Database, migrated_url: str, valkey: ValkeyServer) -> Settings:
    [operation_id] = accepted(database, REFERENCE, now=database.now())
    page = [invoice(n, order=f"Заказ №{n}", amount=money("-1234.5600")) for n in range(1, 600)]
    store(database, operation_id, page)
    return {
        "DATABASE_URL": migrated_url,
        "REDIS_URL": valkey.url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": "f" * 32,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "worker.cli.main", *arguments]


def ran(
    settings: Settings, *arguments: str, stdin: bytes = b"", stdout: int = subprocess.PIPE
) -> Ended:
    """Run a command as a process of its own."""
    run = subprocess.run(
        command(*arguments),
        env=environment(settings),
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60 * PATIENCE,
        check=False,
    )
    return Ended(run.returncode, run.stdout or b"", run.stderr.decode("utf-8", "replace"))


@contextmanager
def full() -> Iterator[io.TextIOWrapper]:
    """Give a file on a disk that is full; only Linux has one."""
    path = Path("/dev/full")
    if not path.exists():
        pytest.skip("there is no /dev/full here")
    file = path.open("w", encoding="utf-8")
    try:
        yield file
    finally:
        # What could not be written is still held back.
        with suppress(OSError):
            file.close()


@contextmanager
def unread() -> Iterator[io.TextIOWrapper]:
    """Give a pipe whose reader has gone."""
    read, write = os.pipe()
    os.close(read)
    file = os.fdopen(write, "w", encoding="utf-8")
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "koi8-r", "latin-1"])
def test_no_command_stumbles_over_an_encoding_that_lacks_a_sign(
    settings: Settings, encoding: str
) -> None:
    for each in COMMANDS:
        written = io.BytesIO()
        stdout = io.TextIOWrapper(written, encoding=encoding)
        run = uprid(settings, *each, stdout=stdout)
        stdout.flush()
        out = written.getvalue()

        # Without workers and providers, the doctor has something to report.
        assert run.status == (1 if each == ("doctor",) else 0), (each, run.err)
        match each:
            case ("list", "--json"):
                assert json.loads(out)[0]["reference"] == REFERENCE
            case ("list", "--plain") | ("invoices", "export", *_):
                assert "аказ" in out.decode("utf-8")
            case ("show", _):
                assert out.startswith(REFERENCE.encode(encoding, "backslashreplace"))
            case _:
                pass


def test_every_command_says_in_a_line_that_the_disk_is_full(settings: Settings) -> None:
    for each in COMMANDS:
        with full() as stdout:
            run = uprid(settings, *each, stdout=stdout)

        if each[:2] == ("events", "tail"):
            assert (run.status, run.err) == (0, ""), "an empty stream has nothing to print"
            continue
        assert run.status == 1, each
        assert "No space left on device" in run.lines[-1], each


def test_every_command_ends_quietly_where_its_reader_has_gone(settings: Settings) -> None:
    for each in COMMANDS:
        with unread() as stdout:
            run = uprid(settings, *each, stdout=stdout)

        assert run.err == "", each
        assert run.status in {0, 1}


def test_nothing_is_added_as_the_process_ends(settings: Settings) -> None:
    for streams, said in ((full, "cannot be written (No space left on device)\n"), (unread, "")):
        with streams() as stdout:
            run = ran(settings, "list", stdout=stdout.fileno())

        assert (run.status, run.err.removeprefix("standard output: ")) == (1, said)


def test_command_works_where_the_standard_streams_are_closed(settings: Settings) -> None:
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command("list")]

    run = subprocess.run(closed, env=environment(settings), timeout=60 * PATIENCE, check=False)

    assert run.returncode == 0


def test_table_is_shown_on_a_terminal_that_lacks_signs(settings: Settings) -> None:
    status, shown = on_a_terminal({**settings, "PYTHONIOENCODING": "ascii"}, "", "list")

    assert status == 0
    assert "\\u0437\\u0430\\u043a\\u0430\\u0437-\\u0451" in shown


def test_actions_are_all_asked_for_although_their_reader_has_gone(
    settings: Settings, database: Database, valkey: ValkeyServer
) -> None:
    references = [f"order-{'x' * 100}-{number}" for number in range(200)]
    accepted(database, *references, now=database.now())
    with unread() as stdout:
        run = uprid(settings, "cancel", *references, "--note", "called off", stdout=stdout)

    assert (run.status, run.err) == (1, "")
    with valkey.client() as server:
        assert len(enqueued(server, "operations")) == len(references)


# Files that are read


@pytest.mark.parametrize("layout", ["one", "lines", "one-behind-the-other"])
def test_files_with_a_bom_are_enqueued(
    settings: Settings, valkey: ValkeyServer, tmp_path: Path, layout: str
) -> None:
    bom, first, second = "\ufeff", '{"reference": "a", "unit_id": 7}', '{"reference": "b"}'
    text = {
        "one": f"{bom}{first}",
        "lines": f"{bom}{first}\r\n{second}\r\n",
        "one-behind-the-other": f"{bom}{first}\n{bom}{second}\n",
    }[layout]
    file = tmp_path / "файл.json"
    file.write_bytes(text.encode())

    run = uprid(settings, "enqueue", "moneta", str(file))
    piped = uprid(settings, "enqueue", "moneta", "-", stdin=text)

    assert (run.status, run.err, piped.status, piped.err) == (0, "", 0, "")
    with valkey.client() as server:
        sent = [arguments(each)["reference"] for each in enqueued(server, "moneta")]
    assert sent == (["a"] if layout == "one" else ["a", "b"]) * 2


def test_file_whose_name_the_locale_cannot_write_is_enqueued(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "файл.json"
    file.write_text('{"reference": "a", "unit_id": 7}', "utf-8")

    run = ran({**settings, **NARROW}, "enqueue", "moneta", str(file))

    assert (run.status, run.err) == (0, "")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("missing.json", None, "cannot be read (No such file or directory)", id="none"),
        pytest.param("missing/a.json", None, "cannot be read (No such file", id="no-folder"),
        pytest.param(".", None, "cannot be read (Is a directory)", id="folder"),
        pytest.param("a.json", "{}".encode("utf-16"), "is not UTF-8: save it as", id="utf-16"),
        pytest.param("a.json", "ё".encode("cp1251"), "is not UTF-8: save it as", id="cp1251"),
    ],
)
def test_file_that_cannot_be_read_is_named_in_a_line(
    settings: Settings, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)

    run = uprid(settings, "enqueue", "moneta", str(file))

    assert run.status == 1
    [line] = run.lines
    assert line.startswith(f"{file}: {said}")


def test_references_in_a_pipe_may_have_a_bom_and_must_be_utf_8(
    settings: Settings, valkey: ValkeyServer
) -> None:
    note = ("--note", "called off")

    run = uprid(settings, "cancel", "-", *note, stdin=f"\ufeff{REFERENCE}\r\n")
    assert (run.status, run.err) == (0, "")

    wrong = ran(settings, "cancel", "-", *note, stdin=b"\xff\xfe")
    assert (wrong.status, wrong.err) == (1, "standard input: is not UTF-8\n")


# Files that are written


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        pytest.param("afile", ("beat", "--schedule", "afile/schedule"), id="beat"),
        pytest.param("var", ("up", "--sandbox"), id="up"),
        pytest.param("var/log", ("up", "--sandbox"), id="up-logs"),
    ],
)
def test_folder_that_cannot_be_made_is_named_in_a_line(
    settings: Settings, tmp_path: Path, where: str, arguments: tuple[str, ...]
) -> None:
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).touch()

    run = subprocess.run(
        command(*arguments),
        env={**environment(settings), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert where in last
    assert "cannot be made, read or written (File exists)" in last
    assert "Traceback" not in run.stderr


def test_file_of_settings_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "up.env"
    secretfile.write(file, {"A": "1"})
    # What is put in the place of the file cannot be: a folder with something in it lies there.
    taken = tmp_path / "folder"
    (taken / "in-it").mkdir(parents=True)

    with pytest.raises(OSError, match="folder"):
        secretfile.write(taken, {"A": "2"})

    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "up.env"]


# What Excel opens


def test_export_for_excel_has_a_bom_semicolons_and_decimal_commas(settings: Settings) -> None:
    run = ran(settings, "invoices", "export", "--dialect", "ru")

    assert run.out.startswith(b"\xef\xbb\xbfid;state;")
    rows = list(csv.DictReader(io.StringIO(run.out.decode("utf-8-sig")), delimiter=";"))
    assert (rows[0]["amount"], rows[0]["order"]) == ("-1234,5600", "Заказ №1")
    assert len(rows) == 599


def test_export_for_programs_has_no_bom(settings: Settings) -> None:
    run = uprid(settings, "invoices", "export")

    assert run.out.startswith("id,state,")
    assert ",-1234.5600,RUB," in run.out


def test_export_has_dialects_of_csv_only(settings: Settings) -> None:
    run = uprid(settings, "invoices", "export", "--format", "jsonl", "--dialect", "ru")

    assert (run.status, run.lines) == (2, ["--dialect: goes with --format csv only"])
