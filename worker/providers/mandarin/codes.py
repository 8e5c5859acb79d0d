"""The SMS code that a person got, as a marketplace sends it."""

from typing import Final

from config.queues import Provider
from worker.providers.incoming import ExpectedInput
from worker.providers.mandarin.course import CODES
from worker.providers.mandarin.mapping import SMS_CODE
from worker.providers.mandarin.types import CodeData
from worker.providers.validating import validated


def read_code(payload: object) -> str:
    """Return the code of `{"sms_code": "…"}`; raise `Refused`, which quotes nothing."""
    return validated(CodeData, payload, "payload").sms_code


#: What `tasks.mandarin.submit_sms_code` takes.
CODE: Final = ExpectedInput(Provider.MANDARIN, SMS_CODE, "code", CODES, read_code)
