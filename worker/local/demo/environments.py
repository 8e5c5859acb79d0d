"""What the demo starts: a broker, the sandbox, and workers for either of MONETA's languages."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from config.settings import Need, load
from uprid_client.names import Provider
from uprid_client.sealing import new_key
from uprid_sandbox.options import SandboxOptions
from worker.local import defaults
from worker.local.demo.side import SIDES, Side
from worker.local.embedded import EmbeddedBroker
from worker.local.fleet import Fleet, Sizes
from worker.local.loopback import free_port

#: Seconds.
_TASK_TAKES: Final = 1.5
_TASK_EXPIRES_AFTER: Final = 8.0
#: Longer than five wrong codes take on a very busy machine.
_CODES_WITHIN: Final = 22.0
#: Settings of the person who starts the demo: none of them may reach it.
_FOREIGN: Final = ("UPRID_", "DATABASE_URL", "REDIS_URL", "CELERY_", "FLOWER_")


def fleets(data: Path, notify_url: str) -> dict[Side, Fleet]:
    """Return a fleet for each side; the first brings what they have in common.

    Workers of one queue must agree about the transport, so each side has a queue of its own.
    `notify_url`: where NPD sends its notifications.
    """
    options = SandboxOptions(
        port=free_port(),
        delay=_TASK_TAKES,
        task_timeout=_TASK_EXPIRES_AFTER,
        notify_url=notify_url,
    )
    broker = EmbeddedBroker(data / "broker")
    shared = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
        **defaults.sandbox_providers(options),
        **defaults.sandbox_pace({}, options),
        "UPRID_MANDARIN__DEADLINE": str(_CODES_WITHIN),
        "UPRID_SEAL_KEYS": new_key(),
        "UPRID_FINGERPRINT_KEY": new_key(),
        "UPRID_ENGINE__SLOT": "0.25",
        "UPRID_ENGINE__SWEEP_EVERY": "1",
    }
    made: dict[Side, Fleet] = {}
    for side in SIDES:
        environment = {
            **_without(shared, set(Provider) - set(side.providers)),
            "UPRID_MONETA__TRANSPORT": side.transport,
            "REDIS_URL": broker.url_of(side.broker_database),
            "DATABASE_URL": f"sqlite:///{data / f'{side.transport}.sqlite3'}",
        }
        settings = load([Need.BROKER, Need.KEYS, Need.PROVIDER], environment)
        first = not made
        made[side] = Fleet(
            settings,
            environment,
            # Beat is a second trigger only, and keeps its file where it is started.
            Sizes(beat=first),
            broker if first else None,
            options if first else None,
            f"{side.transport}-",
        )
    return made


def _without(environment: Mapping[str, str], providers: Collection[Provider]) -> dict[str, str]:
    off = tuple(f"UPRID_{provider.upper()}__" for provider in providers)
    return {name: value for name, value in environment.items() if not name.startswith(off)}
