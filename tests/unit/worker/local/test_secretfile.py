import subprocess
from pathlib import Path

import pytest

from worker.local import secretfile

_AWKWARD = {
    "PLAIN": "redis://:abc@127.0.0.1:1/0",
    "JSON": '{"a": [1, "b c"]}',
    "QUOTE": "it's $HOME",
}


def test_file_reads_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "some.env"
    secretfile.write(path, _AWKWARD)
    assert secretfile.read(path) == _AWKWARD


def test_file_means_the_same_to_a_shell(tmp_path: Path) -> None:
    path = tmp_path / "some.env"
    secretfile.write(path, _AWKWARD)
    script = f'set -a; . "{path}"; printf "%s|%s|%s" "$PLAIN" "$JSON" "$QUOTE"'
    shown = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split("|") == list(_AWKWARD.values())


def test_file_is_only_its_owners_even_where_another_stood_before(tmp_path: Path) -> None:
    path = tmp_path / "some.env"
    path.write_text("OLD=1\n")
    path.chmod(0o644)
    secretfile.write(path, {"NEW": "1"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert secretfile.read(path) == {"NEW": "1"}
    assert [each.name for each in tmp_path.iterdir()] == ["some.env"]


def test_file_that_is_missing_holds_nothing(tmp_path: Path) -> None:
    assert secretfile.read(tmp_path / "some.env") == {}


def test_file_is_refused_when_it_is_garbled(tmp_path: Path) -> None:
    path = tmp_path / "some.env"
    path.write_text("A=1\nnonsense\n")
    with pytest.raises(ValueError, match="is garbled"):
        secretfile.read(path)
