"""Checks the keys: whether they open what was sealed, and make the stored fingerprints."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from config.settings import Settings
from uprid_client.errors import Unsealable
from uprid_client.sealing import Sealer
from worker.cli.doctor.finding import Finding, fault, ok
from worker.privacy.fingerprints import Fingerprinter
from worker.store import overview
from worker.store.database import Database
from worker.store.overview import Sample

#: So many of the oldest values of a table, whose key was the first to go, and of the newest.
_SAMPLED: Final = 250


def check_keys(settings: Settings, database: Database) -> Iterator[Finding]:
    """Try both keys on a sample of what is stored."""
    with database.read() as connection:
        samples = overview.samples(connection, _SAMPLED)
        beside = overview.ciphertexts_beside(connection, _SAMPLED, database.now())
    sealer = Sealer.of(settings)
    of_attempts = {t for s in samples for t in (s.sealed, s.answer) if t is not None}
    yield _sealing(sealer, {"attempts": of_attempts, **beside})
    if settings.fingerprint_key is not None:
        key = settings.fingerprint_key.get_secret_value()
        yield _fingerprints(sealer, Fingerprinter(key), samples)


def _sealing(sealer: Sealer, ciphertexts: Mapping[str, Collection[str]]) -> Finding:
    looked = sum(len(some) for some in ciphertexts.values())
    shut = {
        name: sum(not sealer.opens(each) for each in some) for name, some in ciphertexts.items()
    }
    if any(shut.values()):
        recognized = ", ".join(f"{count} of {name}" for name, count in shut.items() if count)
        back = "put the key back that they were sealed with, at the end of UPRID_SEAL_KEYS"
        return fault(
            "seal keys",
            f"{sum(shut.values())} of {looked} sealed values do not open ({recognized}): {back}",
        )
    return ok("seal keys", f"{looked} sealed values looked at, all open")


def _fingerprints(
    sealer: Sealer, fingerprinter: Fingerprinter, samples: Sequence[Sample]
) -> Finding:
    looked = others = 0
    for sample in samples:
        if sample.sealed is None:
            continue
        try:
            payload = sealer.open(sample.sealed)
        except Unsealable:
            continue
        looked += 1
        made = fingerprinter.of(sample.provider, sample.kind, sample.args, payload)
        others += made != sample.fingerprint
    if looked and others == looked:
        harm = "enqueueing the same again would be refused as other data"
        return fault("fingerprint key", f"made no stored fingerprint: {harm}: put the old one back")
    return ok("fingerprint key", f"{looked} fingerprints looked at")
