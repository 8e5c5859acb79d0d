"""Who runs which tests where several processes share a run (`pytest -n 2`), and in which order."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Tests of whole systems that kill, hang, freeze or time them. One process of a shared run has all
#: of a share, one after the other: all at once they would starve each other.
_ONE_AFTER_THE_OTHER: Final = {
    "systems that are killed": re.compile(r".*/acceptance/test_(mandarin_codes|survival)\."),
    "systems that are timed": re.compile(
        r".*/(chaos/|acceptance/test_(demo|one_hangs|pause|up)\.)"
    ),
}
#: The files that take longest, by `--where-time-goes`; those that are not named come afterwards.
LONGEST: Final = (
    "acceptance/test_outages.py",
    "acceptance/test_npd.py",
    "acceptance/test_never_repeated.py",
    "acceptance/test_upgrade.py",
    "acceptance/test_privacy_providers.py",
    "simulation/test_simulation.py",
    "acceptance/test_access_token.py",
    "acceptance/test_transaction_pooler.py",
    "acceptance/test_broker_tls.py",
    "acceptance/test_sentinel.py",
    "acceptance/test_sick_database.py",
    "acceptance/test_privacy.py",
    "acceptance/test_both_away.py",
    "integration/cli/test_settings.py",
    "integration/deployment/test_image.py",
    "integration/cli/test_streams.py",
    "integration/intake/test_golden_resent.py",
    "integration/store/test_migrations.py",
    "hostile/test_hostile.py",
    "hostile/test_calls.py",
    "acceptance/test_expiry.py",
    "acceptance/test_upkeep.py",
    "integration/engine/test_health.py",
    "acceptance/test_invoices.py",
    "acceptance/test_foreign_entries.py",
    "acceptance/test_foreign_variables.py",
    "acceptance/test_database_refuses.py",
    "acceptance/test_refused_messages.py",
    "acceptance/test_bad_input.py",
    "acceptance/test_flower.py",
    "acceptance/test_spine.py",
    "contract/sandbox/test_moneta.py",
    "contract/sandbox/test_intellectmoney.py",
    "simulation/test_mutations.py",
    "simulation/test_left.py",
    "property/test_state_machine.py",
    "integration/engine/test_sick_postgres.py",
)


class ByFile(LoadScopeScheduling):
    """Gives a file's tests to one process of a shared run: they share what is dear."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        # In the order of collection, not those with the most tests first.
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def share_of(nodeid: str) -> str:
    """Return what is run by one process: the test's file, or all that are not run beside it."""
    return _share_of_file(nodeid.partition("::")[0])


@cache
def _share_of_file(path: str) -> str:
    for share, files in _ONE_AFTER_THE_OTHER.items():
        if files.match(path):
            return share
    return path


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests with those of the longest files in front; else their order stays."""
    return sorted(items, key=lambda item: _place_of(share_of(item.nodeid)))


@cache
def _place_of(share: str) -> int:
    shares = list(_ONE_AFTER_THE_OTHER)
    if share in shares:
        return shares.index(share)
    place = (nth for nth, file in enumerate(LONGEST) if share.endswith(f"/{file}"))
    return len(shares) + next(place, len(LONGEST))
