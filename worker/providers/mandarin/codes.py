"""The SMS code that a person got, as a marketplace sends it."""

from typing import Final

from uprid_client.contract.mandarin import CodeData, SubmitSmsCode
from uprid_client.contract.validating import validated
from uprid_client.names import Provider
from worker.providers.incoming import ExpectedInput
from worker.providers.mandarin.code_state import CODES
from worker.providers.mandarin.mapping import SMS_CODE


def read_code(payload: object) -> str:
    """Return the code of `{"sms_code": "…"}`; raise `Refused`, which quotes nothing."""
    return validated(CodeData, payload, "payload").sms_code


#: What `tasks.mandarin.submit_sms_code` takes.
CODE: Final = ExpectedInput(Provider.MANDARIN, SMS_CODE, "code", SubmitSmsCode, CODES, read_code)
