"""The SMS code, as a marketplace sends it."""

from uprid_client.contract.mandarin import CodeData
from uprid_client.contract.validating import validated


def read_code(payload: object) -> str:
    """Return the code of `{"sms_code": "…"}`; raise `Refused`, which quotes nothing."""
    return validated(CodeData, payload, "payload").sms_code
