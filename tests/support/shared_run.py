"""Who runs which tests where several processes share a run (`pytest -n 4`), and in which order."""

import re
from collections.abc import Sequence
from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Tests of whole systems that kill, hang, freeze or time them: in a shared run one process has all
#: of these, one after the other.
_ONE_AT_A_TIME: Final = re.compile(
    r"tests/(chaos/|acceptance/test_(demo|mandarin_codes|one_hangs|outages|pause|survival|up|upgrade)\.)"
)
#: What takes longest, measured by `--where-time-goes`; what is not named comes afterwards.
LONGEST: Final = ("tests/acceptance/test_npd.py",)


class ByFile(LoadScopeScheduling):
    """Gives a file's tests to one process of a shared run: they share what is dear."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        # In the order of collection, not those with the most tests first.
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def share_of(nodeid: str) -> str:
    """Return what is run by one process: the test's file, or all that are run one at a time."""
    path = nodeid.partition("::")[0]
    return "one at a time" if _ONE_AT_A_TIME.match(path) else path


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests with those of the longest files in front; else their order stays."""
    return sorted(items, key=lambda item: _place_of(item.nodeid))


def _place_of(nodeid: str) -> int:
    if share_of(nodeid) == "one at a time":
        return -1
    path = nodeid.partition("::")[0]
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)
