"""The benchmarks still run: tiny numbers, for their table and not for what stands in it."""

import re
import sys
from pathlib import Path

import pytest

from tests.support.processes.child import environment, start

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.postgres
def test_benchmarks_print_every_table_when_they_are_run_quickly(tmp_path: Path) -> None:
    bench = start(
        [sys.executable, "-m", "benchmarks", "--quick", "--operations", "20", "--polls", "2"],
        log=tmp_path / "bench.log",
        env=environment(),
        cwd=ROOT,
    )
    try:
        status = bench.wait(240)
        printed = bench.output()
    finally:
        bench.kill9()
    assert status == 0, printed
    titles = ["Speed", "Memory", "Lateness", "One hangs", "HTTP alone", "SOAP alone"]
    assert re.findall(rf"^({'|'.join(titles)})\b", printed, re.MULTILINE) == titles
    for line in (
        *("bare loop", "this worker", "naive chain", "PinnedSession.exchange"),
        *("moneta hangs: npd", "this worker's poll, SOAP", "bare zeep loop"),
    ):
        assert re.search(rf"^{line}.*[0-9]", printed, re.MULTILINE), printed
