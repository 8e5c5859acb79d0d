"""What a command that starts everything chooses itself where nobody said it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from worker.oncall import secretfile
from worker.privacy.sealing import new_key
from worker.sandbox.options import SandboxOptions

_KEYS: Final = ("UPRID_SEAL_KEYS", "UPRID_FINGERPRINT_KEY")
_MONETA: Final = "UPRID_MONETA__"


def sandbox_keys(given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return the keys that are not set: the ones in the file, made at the first start.

    Raises ValueError where the file is garbled.
    """
    missing = [name for name in _KEYS if not given.get(name)]
    if not missing:
        return {}
    kept = secretfile.read(path)
    keys = {name: kept.get(name) or new_key() for name in missing}
    if any(name not in kept for name in missing):
        secretfile.write(path, {**kept, **keys})
    return keys


def sandbox_providers(options: SandboxOptions) -> dict[str, str]:
    """Return what points every provider at the sandbox and must agree with it."""
    return {
        f"{_MONETA}URL": f"http://127.0.0.1:{options.port}/moneta/services",
        f"{_MONETA}USERNAME": options.username,
        f"{_MONETA}PASSWORD": options.password,
        f"{_MONETA}ANONYMOUS_GROUP_ID": str(options.anonymous_group_id),
        f"{_MONETA}SIMPLIFIED_GROUP_ID": str(options.simplified_group_id),
        f"{_MONETA}FULL_GROUP_ID": str(options.full_group_id),
    }


def sandbox_pace(given: Mapping[str, str], options: SandboxOptions) -> dict[str, str]:
    """Return a schedule that fits a sandbox that answers in seconds, where none is set."""
    poll = {"first_after": 0.5, "steps": [[10, 0.5], [20, 1]], "then": 2, "jitter": 0.1}
    pace = {
        f"{_MONETA}POLL": json.dumps(poll),
        f"{_MONETA}TASK_TIMEOUT": str(options.task_timeout),
        f"{_MONETA}SETTLE_OVER": "2",
    }
    return {name: value for name, value in pace.items() if not given.get(name)}
