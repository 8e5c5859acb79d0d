"""Two releases beside each other on one database: nothing is lost, and nothing is done twice.

Once the tag 0.1.0 and this tree, once this tree and one that adds to the schema. The order is that
of a rolling upgrade: the new release's migration runs under the old release's processes, new
ones come beside them, and the old ones go; or come back.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.messages.marketplace import ACCEPTED, ENDS, STARTED
from tests.support.messages.people import person
from tests.support.processes import releases
from tests.support.processes.child import environment, wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import PostgresServer, ValkeyServer

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

#: Ends after three times the sandbox's delay.
_SLOW: Final = 2
_DELAY: Final = 0.8
_BATCH: Final = 20
#: Batches after which both releases must have had their share.
_MOST: Final = 15
_SETTINGS: Final = {"UPRID_MONETA__RATE_PER_SECOND": "400"}
_LEASED: Final = "SELECT COUNT(*) FROM operation WHERE lease_owner IS NOT NULL"
#: Who ever held a lease, process by process: incarnations leave no trace behind.
_WATCH: Final = (
    "CREATE TABLE held (pid INTEGER PRIMARY KEY)",
    """
    CREATE FUNCTION note_holder() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO held SELECT pid FROM incarnation WHERE id = NEW.lease_owner
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER note_holder AFTER UPDATE OF lease_owner ON operation
    FOR EACH ROW WHEN (NEW.lease_owner IS NOT NULL) EXECUTE FUNCTION note_holder()
    """,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two releases and the system that both of them serve."""

    whole: System
    old: Path
    new: Path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's wheel, installed."""
    target = tmp_path_factory.mktemp("tree")
    releases.install_tree(target, tmp_path_factory.mktemp("source"))
    return target


@pytest.fixture(
    scope="module",
    params=[
        "0.1.0-and-this",
        pytest.param("this-and-a-newer-schema", marks=pytest.mark.exhaustive),
    ],
)
def pair(
    request: pytest.FixtureRequest,
    tree: Path,
    broker: ValkeyServer,
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    """An older and a newer release, and a database as the older one left it."""
    other, source = tmp_path_factory.mktemp("other"), tmp_path_factory.mktemp("source")
    if request.param == "this-and-a-newer-schema":
        old, new = tree, other
        releases.install_next(other, source)
    else:
        old, new = other, tree
        try:
            releases.install_commit(releases.commit_of(releases.RELEASED), other, source)
        except releases.NoHistory as missing:
            pytest.skip(f"no earlier release to run beside this one: {missing}")
    broker.flush()
    url = postgres.create_database()
    with system(tmp_path_factory.mktemp("upgrade"), broker, url, _SETTINGS) as whole:
        whole.migrate(old)
        for statement in _WATCH:
            whole.execute(statement)
        whole.start_sandbox(delay=_DELAY, task_timeout=60)
        yield Pair(whole, old, new)
    postgres.drop_database(url)


def enqueued(whole: System, prefix: str, count: int = _BATCH) -> dict[str, int]:
    """Enqueue operations; return their units by reference."""
    known = len(whole.marketplace.sent)
    units = {f"{prefix}-{known + n}": (known + n + 1) * 1_000 + _SLOW for n in range(count)}
    for number, (reference, unit_id) in enumerate(units.items()):
        whole.marketplace.start(reference, unit_id, person(number))
    return units


def imported(release: Path) -> Path:
    """Return where processes of a release take their code from."""
    asked = subprocess.run(
        [sys.executable, "-c", "import worker; print(worker.__file__)"],
        env={**environment(), "PYTHONPATH": str(release)},
        cwd=release,
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(asked.stdout.strip())


def has_polled(whole: System, name: str) -> bool:
    """Tell whether a running poller has ever held a lease."""
    return bool(whole.count("SELECT COUNT(*) FROM held WHERE pid = :p", p=whole.process(name).pid))


def has_taken(whole: System, name: str) -> bool:
    """Tell whether a running worker has taken a message."""
    return "start_taken" in whole.log_of(name)


def both_work(whole: System) -> bool:
    """Tell whether both releases' workers and pollers have had their share."""
    return all(has_taken(whole, f"worker-{of}") for of in ("old", "new")) and all(
        has_polled(whole, f"poller-{of}") for of in ("old", "new")
    )


def test_two_releases_on_one_database_lose_nothing_and_submit_nothing_twice(pair: Pair) -> None:
    whole, shop = pair.whole, pair.whole.marketplace
    for release in (pair.old, pair.new):
        assert imported(release).is_relative_to(release)
    whole.start("worker-old", "poller-old", release=pair.old)
    whole.wait_until_started("worker-old", "poller-old")
    units = enqueued(whole, "before")
    shop.wait_for(units, [ACCEPTED])

    whole.migrate(pair.new)
    whole.start("worker-new", "poller-new", release=pair.new)
    whole.wait_until_started("worker-new", "poller-new")
    for _ in range(_MOST):
        units |= enqueued(whole, "beside")
        shop.wait_for(units, [STARTED])
        if both_work(whole):
            break
    assert both_work(whole)

    # One of each is killed in the middle, and comes back as it was.
    wait_until(lambda: whole.count(_LEASED) > 0, 15, "leases", interval=0.005)
    whole.kill9("poller-old", "worker-new")
    whole.start("poller-again", release=pair.old)
    whole.start("worker-again", release=pair.new)
    units |= enqueued(whole, "after")
    shop.wait_for(units, ENDS, timeout=60)
    whole.wait_until_started("poller-again", "worker-again")
    whole.stop("worker-old", "poller-new", "poller-again", "worker-again")

    assert_each_ended_once(whole, units)


def test_older_release_is_put_back_under_what_the_newer_one_began(pair: Pair) -> None:
    whole, shop = pair.whole, pair.whole.marketplace
    whole.start("worker-new", "poller-new", release=pair.new)
    whole.wait_until_started("worker-new", "poller-new")
    units = enqueued(whole, "begun", 5)
    shop.wait_for(units, [STARTED])
    whole.stop("worker-new", "poller-new")
    # Not accepted yet: it waits in the broker.
    units |= enqueued(whole, "sent", 2)

    # The first line of its Procfile finds a schema that is its own, or newer.
    whole.migrate(pair.old)
    whole.start("worker", "poller", release=pair.old)

    units |= enqueued(whole, "put-back", 3)
    shop.wait_for(units, ENDS)
    assert_each_ended_once(whole, units)
    whole.stop("worker", "poller")


def assert_each_ended_once(whole: System, units: Mapping[str, int]) -> None:
    """Every operation: one end, one submit, no gap in its events."""
    told = whole.marketplace.told(ENDS)
    assert {reference: len(told[reference]) for reference in units} == dict.fromkeys(units, 1)
    calls = whole.calls()["units"]
    assert {calls[str(unit)]["submits"] for unit in units.values()} == {1}
    sequences: dict[str, list[int]] = {reference: [] for reference in units}
    for event in whole.marketplace.events():
        if event.subject in units:
            sequences[event.subject].append(event.data["sequence"])
    assert all(each == list(range(1, len(each) + 1)) for each in sequences.values())
