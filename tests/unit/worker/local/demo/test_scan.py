import base64
import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from worker.local.demo.people import FIRST, personal_values
from worker.local.demo.scan import found

_NAME = "Понарошковна"
_PHONE = "+7 900 000-41-01"
_SNILS = "112-233-445 95"
_NUMBER = "000411"
_VALUES = [_NAME, _PHONE, _SNILS, _NUMBER]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"hello {_NAME}!".encode(), id="text"),
        pytest.param(json.dumps({"name": _NAME}).encode(), id="escaped JSON"),
        pytest.param(b"phone 79000004101", id="phone in digits"),
        pytest.param(b'"+79000004101"', id="phone with a plus"),
        pytest.param(b"9000004101", id="phone without its country"),
        pytest.param(b"snils=11223344595", id="SNILS in digits"),
        pytest.param(f"'{_SNILS}'".encode(), id="SNILS in groups"),
        pytest.param(f'"{_NUMBER}"'.encode(), id="passport"),
        *(
            pytest.param(
                base64.b64encode(b"x" * pad + json.dumps({"n": _NAME}).encode()),
                id=f"base64 at offset {pad}",
            )
            for pad in range(3)
        ),
        *(
            pytest.param(
                base64.b64encode(b"y" * pad + json.dumps(FIRST, ensure_ascii=False).encode()),
                id=f"base64 of UTF-8 at offset {pad}",
            )
            for pad in range(3)
        ),
    ],
)
def test_scan_finds_a_value_whatever_way_it_is_written(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "some.log").write_bytes(b"\x00before\n" + content + b"\nafter")
    places, size = found(tmp_path, _VALUES)
    assert places == ["deep/some.log"]
    assert size == len(content) + 14


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"2026-01-01T00:00:00.000411Z", id="microseconds"),
        pytest.param(b"1000411 0004110 a000411", id="parts of other numbers"),
        pytest.param(Fernet(Fernet.generate_key()).encrypt(_NAME.encode()), id="sealed"),
    ],
)
def test_scan_finds_nothing_where_there_is_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "some.log").write_bytes(content)
    assert found(tmp_path, _VALUES) == ([], len(content))


def test_people_have_values_to_look_for() -> None:
    assert set(_VALUES) < personal_values()
