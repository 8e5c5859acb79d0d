"""Codes: what the person got by SMS goes to the session that asked for it, once."""

from typing import assert_never

import structlog

from config.queues import Provider
from uprid_client.contract.mandarin import SubmitSmsCode
from worker.domain.errors import Refused
from worker.domain.states import State
from worker.intake.message import Message, Reading
from worker.intake.refusals import aloud
from worker.process.runtime import Runtime
from worker.providers.mandarin.codes import read_code
from worker.providers.mandarin.course import CODES
from worker.providers.mandarin.mapping import SMS_CODE
from worker.store import inputs
from worker.store.inputs import Input, Offered

log = structlog.get_logger(__name__)


@aloud
def mandarin(runtime: Runtime, message: Message) -> None:
    """Take a code for the current session of `reference`: `sealed` holds `{"sms_code": "…"}`."""
    runtime.plugin(Provider.MANDARIN)
    reading = Reading(message, SubmitSmsCode)
    payload = reading.payload(runtime.sealer)
    code = ""
    try:
        code = "" if payload is None else read_code(payload)
    except Refused as refusal:
        reading.fault(refusal.reason, *refusal.fields)
    reference = reading.sound().reference
    given = Input(
        provider=Provider.MANDARIN,
        reference=reference,
        name=SMS_CODE,
        message_id=message.id[:255],
        fingerprint=lambda id_, attempt: runtime.fingerprinter.of(
            Provider.MANDARIN, SMS_CODE, {"operation": id_, "attempt": attempt}, {SMS_CODE: code}
        ),
        sealed=runtime.sealer.seal({SMS_CODE: code}),
        limit=CODES,
    )
    now = runtime.database.now()
    with runtime.database.begin() as connection:
        offered, state = inputs.offer(connection, given, now)
    log.info("code_offered", reference=reference, offered=offered)
    _refuse(offered, state)
    if offered is Offered.TAKEN:
        runtime.wakes.soon(Provider.MANDARIN, now)


def _refuse(offered: Offered, state: State | None) -> None:
    """Raise `Refused` for what was not taken."""
    match offered:
        case Offered.TAKEN | Offered.KNOWN:
            return
        case Offered.UNKNOWN_REFERENCE:
            raise Refused("reference: no operation has it", ["reference"])
        case Offered.ANOTHER_PROVIDER:
            reason = f"reference: the operation is not {Provider.MANDARIN}'s: it takes no code"
            raise Refused(reason, ["reference"])
        case Offered.NOT_WANTED:
            reason = f"reference: the operation is {state}: it takes no code"
            raise Refused(reason, ["reference"])
        case Offered.TOO_MANY:
            reason = f"sealed: all {CODES} codes of this session are spent: retry for a new one"
            raise Refused(reason, ["sealed"])
        case _:
            assert_never(offered)
