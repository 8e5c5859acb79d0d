"""`uprid purge`: erases data past their retention, now and not within the hour."""

from config.settings import Need
from worker.cli.exits import opened, settings_for
from worker.cli.outlet import relay_of
from worker.cli.output import say
from worker.store import retention
from worker.store.retention import Retention


def purge() -> None:
    """Erase data past their retention, personal data first. Workers do it hourly."""
    settings = settings_for(Need.BROKER)
    kept = settings.retention
    with opened(settings) as database:
        erased = retention.purge(database, Retention(kept.payloads, kept.journal, kept.events))
        erased["stream"] = relay_of(settings, database).trim()
    say(", ".join(f"{what}: {count}" for what, count in erased.items()))
