"""Defaults of a command that starts everything."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uprid_client.sealing import new_key
from worker.local import secretfile

if TYPE_CHECKING:
    from uprid_sandbox.options import SandboxOptions

_KEYS: Final = ("UPRID_SEAL_KEYS", "UPRID_FINGERPRINT_KEY")
#: What the printed formulas of the API for the self-employed sign, of all three methods.
_PRINTED: Final = (
    "firstname,lastname,middlename,phone,docseries,docnumber,docissuer,docissued,docdepartment"
)


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


def sandbox_providers(options: "SandboxOptions") -> dict[str, str]:
    """Return what points every provider at the sandbox and must agree with it.

    What must not be set is empty.
    """
    address = f"http://127.0.0.1:{options.port}"
    blocks: dict[str, dict[str, object]] = {
        "moneta": {
            "url": f"{address}/moneta/services",
            "username": options.username,
            "password": options.password,
            "anonymous_group_id": options.anonymous_group_id,
            "simplified_group_id": options.simplified_group_id,
            "full_group_id": options.full_group_id,
        },
        "npd": {
            "url": f"{address}/npd",
            "security_key": options.npd_security_key,
            "secret_key": options.npd_secret_key,
            "signed_fields": _PRINTED if options.npd_printed_formula else None,
        },
        "mandarin": {
            "url": f"{address}/mandarin",
            "merchant_id": options.mandarin_merchant_id,
            "secret": options.mandarin_secret,
        },
        "intellectmoney": {
            "url": f"{address}/intellectmoney",
            "login": options.intellectmoney_login,
            "password": options.intellectmoney_password,
            "bearer_token": options.intellectmoney_bearer_token,
            "sign_secret_key": options.intellectmoney_sign_secret_key,
            "result_path": options.intellectmoney_result_path,
        },
    }
    return _variables(blocks)


def sandbox_pace(given: Mapping[str, str], options: "SandboxOptions") -> dict[str, str]:
    """Return a schedule that fits a sandbox that answers in seconds, where none is set."""
    poll = {"first_after": 0.5, "steps": [[10, 0.5], [20, 1]], "then": 2, "jitter": 0.1}
    usual: dict[str, object] = {"poll": json.dumps(poll)}
    settled = usual | {"task_timeout": options.task_timeout, "settle_over": 2}
    # A person has to read a code and to send it; and pages queue one after the other.
    patient = usual | {"deadline": options.task_timeout * 3}
    pace = _variables(
        {"moneta": settled, "npd": settled, "mandarin": patient, "intellectmoney": patient}
    )
    return {name: value for name, value in pace.items() if not given.get(name)}


def _variables(blocks: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    return {
        f"UPRID_{block}__{name}".upper(): "" if value is None else str(value)
        for block, values in blocks.items()
        for name, value in values.items()
    }
